"""The whole installation, started from docker-compose.yml as an operator starts it."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from tests.e2e.mailbox import Labels, Mail, Told, embedded, read

ROOT = Path(__file__).parents[2]
DEMO = ("--profile", "demo")
CLUSTER = ("-f", "docker-compose.yml", "-f", "deploy/compose.cluster.yml")
"""The two files of docs/cluster.md."""
PUBLIC_URL = "http://localhost:8000"
SLACK_HOST = "slack.test"
LEASE = 600.0
"""Seconds that the digests of a notifier which is killed while it sends them wait for."""


@dataclass(frozen=True)
class Stack:
    """One Compose project, the demo's profile if nothing else is said; its ports are of its own."""

    project: str
    env_file: Path
    site: str
    options: tuple[str, ...] = DEMO
    folder: Path = ROOT
    public_url: str = PUBLIC_URL
    clock: str = "demo"
    """The service that may write the time of the simulated days."""
    maildev: str = ""
    """Where MailDev is, `http://host:port`."""

    def compose(self, *arguments: str, seconds: float = 120) -> str:
        """Run a Compose command; what it wrote to stdout. A failure shows all that it said."""
        command = ["docker", "compose", "-p", self.project, "--env-file", str(self.env_file)]
        answer = subprocess.run(
            [*command, *self.options, *arguments],
            cwd=self.folder, capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip
        said = f"docker compose {' '.join(arguments)}:\n{answer.stdout}\n{answer.stderr}"
        assert answer.returncode == 0, said
        return answer.stdout

    def browser(self) -> httpx.Client:
        """A browser at the readers' pages; they are paths to it."""
        return httpx.Client(base_url=self.site, trust_env=False, timeout=30)

    def mails(self) -> list[Mail]:
        """What MailDev has caught so far, over its REST API."""
        address = f"{self.maildev}/api/email"
        with httpx.Client(trust_env=False, timeout=10) as client:
            found = client.get(address).raise_for_status().json()
            return [
                read(client.get(f"{address}/{mail['id']}/download").raise_for_status().content)
                for mail in found
            ]

    def mails_to(self, address: str, subject: str = "", seconds: float = 60) -> list[Mail]:
        """The mails to an address, by time; waits for one whose subject has these words."""
        deadline = time.monotonic() + seconds
        while True:
            found = [mail for mail in self.mails() if mail.recipient == address]
            if any(subject in mail.subject for mail in found):
                return sorted(found, key=lambda mail: parsedate_to_datetime(mail.date))
            assert time.monotonic() < deadline, f"no mail about {subject!r}; there are {found}"
            time.sleep(0.5)

    def on_to(self, instant: str) -> None:
        """Move the clock of the demo's days, in ISO 8601."""
        write = f"echo {instant} > /run/carillon/.new && mv /run/carillon/.new /run/carillon/now"
        self.compose("run", "--rm", "--no-deps", "--entrypoint", "sh", self.clock, "-c", write)

    def labels(self) -> Labels:
        """What the notifier's store holds of each article's labels."""
        query = "SELECT pmid, entry -> 'classification' -> 'labels' FROM notifier.articles"
        rows = self._sql(query).splitlines()
        found = {int(pmid): json.loads(labels) for pmid, labels in (r.split("|", 1) for r in rows)}
        return {pmid: sorted(f"{x['facet']}:{x['id']}" for x in ls) for pmid, ls in found.items()}

    def _sql(self, query: str) -> str:
        psql = ("psql", "--username=carillon", "--no-align", "--tuples-only", f"--command={query}")
        return self.compose("exec", "-T", "postgres", *psql).strip()

    def exit_code(self, service: str) -> int | None:
        """How a container ended; None while it runs."""
        rows = self.compose("ps", "--all", "--format", "json", service).splitlines()
        state = json.loads(rows[0])
        return int(state["ExitCode"]) if state["State"] == "exited" else None

    def health(self) -> dict[str, str]:
        """What Docker says of each container that runs, by its name without the project's."""
        rows = map(json.loads, self.compose("ps", "--format", "json").splitlines())
        return {row["Name"].removeprefix(f"{self.project}-"): row["Health"] for row in rows}

    def standing(self) -> str:
        """What the demo waits for, and where that may be: for a failure's one line."""
        counted = (
            "SELECT (SELECT count(*) FROM poller.outbox), (SELECT count(*) FROM classifier.outbox),"
            " (SELECT count(*) FROM notifier.outbox), (SELECT count(*) FROM poller.polls),"
            " (SELECT count(*) FROM notifier.polls), (SELECT string_agg(concat_ws(' ', state,"
            " claimed_until, next_try_at, error), '; ')"
            " FROM notifier.digests WHERE state NOT IN ('sent', 'skipped'))"
        )
        queues = ("rabbitmqctl", "-q", "list_queues", "name", "messages", "consumers")
        rows = [one.split() for one in self.compose("exec", "-T", "rabbitmq", *queues).splitlines()]
        told = [
            self.compose("logs", "--no-log-prefix", "--tail", "2", "demo").strip(),
            f"outboxes, polls, digests: {self._sql(counted)}",
            *(" ".join(row) for row in rows if row[1:2] != ["0"]),
        ]
        return " | ".join(told)

    def wait_for_mails(self, number: int, seconds: float = LEASE + 300) -> None:
        """Return when so many mails have been caught while the demo is still under way."""
        deadline = time.monotonic() + seconds
        with httpx.Client(trust_env=False, timeout=10) as client:
            while len(client.get(f"{self.maildev}/api/email").raise_for_status().json()) < number:
                if time.monotonic() > deadline:
                    raise AssertionError(f"no mail {number} in {seconds:g} s: {self.standing()}")
                time.sleep(0.2)
        assert self.exit_code("demo") is None, f"the demo ended before mail {number}"

    def wait_for_the_end(self, seconds: float = LEASE + 600) -> None:
        """Return when the demo has ended well."""
        container = self.compose("ps", "--all", "--quiet", "demo").strip()
        answer = subprocess.run(
            ["docker", "wait", container],
            capture_output=True, text=True, timeout=seconds, check=True,
        )  # fmt: skip
        assert answer.stdout.strip() == "0", f"the demo ended with {answer.stdout.strip()}"


@contextmanager
def demo_stack(
    project: str,
    folder: Path,
    code: Path = ROOT,
    version: str = "e2e",
    files: tuple[str, ...] = (),
) -> Iterator[Stack]:
    """Build and start everything; afterwards remove it with all it knew.

    `code` is what the images are made of, and `version` what they are called; `files` are
    `CLUSTER`, or nothing where docker-compose.yml is enough.
    """
    env_file = folder / "env"
    mail, rabbit, web = free_ports(3)
    # The mails name the address that is usual, and so are the same as in the embedded demo.
    settings = {
        "CARILLON_VERSION": version,
        "MAILDEV_WEB_PORT": mail,
        "RABBITMQ_WEB_PORT": rabbit,
        "CARILLON_WEB_PORT": web,
        "CARILLON_WEB_PORTS": 0,  # of two notifiers: which are free is not known for long
        "NOTIFIER_PUBLIC_URL": PUBLIC_URL,
        "NOTIFIER_ADMITTED_HOSTS": SLACK_HOST,
    }
    env_file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    stack = Stack(
        project,
        env_file,
        f"http://127.0.0.1:{web}",
        (*files, *DEMO),
        folder=code,
        maildev=f"http://127.0.0.1:{mail}",
    )
    with running(stack):
        yield stack


def embedded_demo(out: Path) -> Told:
    """What the same demo tells without a server: what the mails and the labels must be."""
    carillon = Path(sys.executable).with_name("carillon")
    answer = subprocess.run(
        [carillon, "demo", "--out", str(out)],
        cwd=out, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout + answer.stderr
    found = embedded(out)
    assert {pmid for mail in found.mails for pmid in mail.pmids} <= found.labels.keys()
    assert found.labels, "the embedded demo told of no article"
    return found


@contextmanager
def running(stack: Stack, *services: str) -> Iterator[None]:
    """Build and start these services, or all; afterwards remove everything with all it knew."""
    with taken_down(stack):
        stack.compose("up", "--build", "--detach", *services, seconds=900)
        yield


@contextmanager
def taken_down(stack: Stack) -> Iterator[None]:
    """What is started inside is removed afterwards with all it knew; a failure shows the logs.

    So is, before, what an interrupted run has left of the same project: with old volumes it would
    be another installation.
    """
    remove_left_over(stack.project)
    try:
        yield
    except BaseException:
        if stack.env_file.exists():
            print(stack.compose("ps", "--all"))  # noqa: T201  pytest shows it with the failure
            print(stack.compose("logs", "--no-color", "--timestamps", "--tail", "150"))  # noqa: T201
        raise
    finally:
        if stack.env_file.exists():
            stack.compose("down", "--volumes", "--timeout", "5", "--remove-orphans")


def remove_left_over(project: str) -> None:
    """Remove containers and volumes of a Compose project, if there are any, without its files."""
    label = f"label=com.docker.compose.project={project}"
    for kind, every, whole in (("container", ["--all"], ["--volumes"]), ("volume", [], [])):
        found = _docker(kind, "ls", "--quiet", *every, "--filter", label).split()
        if found:
            _docker(kind, "rm", "--force", *whole, *found)


def _docker(*words: str) -> str:
    answer = subprocess.run(
        ["docker", *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert answer.returncode == 0, f"docker {' '.join(words)}: {answer.stderr}"
    return answer.stdout


def free_ports(number: int) -> list[int]:
    """Ports of this machine that nobody listens on at the moment."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    try:
        return [server.getsockname()[1] for server in held]
    finally:
        for server in held:
            server.close()
