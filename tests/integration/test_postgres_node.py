"""Two servers by deploy/postgres-node: never do both write, and nothing committed is lost."""

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
FOLLOWED = "SELECT sync_state FROM pg_stat_replication"

pytestmark = [pytest.mark.connected, pytest.mark.timeout(180)]


def _docker(*arguments: str, check: bool = True) -> str:
    answer = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    said = answer.stdout + answer.stderr
    assert answer.returncode == 0 or not check, said
    return said.strip()


@dataclass(frozen=True)
class Pair:
    """`postgres` and `postgres-2`, as the cluster's Compose file starts them."""

    mark: str

    def name(self, host: str) -> str:
        return f"{self.mark}-{host}"

    def run(self, host: str) -> None:
        environment = {"USER": "carillon", "PASSWORD": "p", "STANDBY_PASSWORD": "s"}
        _docker(
            "run", "--detach", "--init", "--user", "postgres", "--name", self.name(host),
            "--hostname", host, "--network", self.mark, "--network-alias", host,
            *(f"--env=POSTGRES_{name}={value}" for name, value in environment.items()),
            f"--volume={self.name(host)}:/var/lib/postgresql/data",
            f"--volume={DEPLOY}/postgres-node:/etc/carillon/postgres-node:ro",
            f"--volume={DEPLOY}/pg_hba.conf:/etc/carillon/pg_hba.conf:ro",
            "--entrypoint", "bash", "postgres:17", "/etc/carillon/postgres-node",
        )  # fmt: skip

    def ask(self, host: str, statement: str) -> str:
        psql = ("psql", "-XAtq", "-U", "carillon", "-c", statement)
        return _docker("exec", self.name(host), *psql, check=False)

    def comes_to(self, host: str, statement: str, answer: str) -> None:
        deadline = time.monotonic() + 60
        while (said := self.ask(host, statement)) != answer:
            assert time.monotonic() < deadline, f"{said}\n{_docker('logs', self.name(host))}"
            time.sleep(0.3)

    def says(self, host: str, words: str) -> None:
        deadline = time.monotonic() + 60
        while words not in (said := _docker("logs", self.name(host))):
            assert time.monotonic() < deadline, said
            time.sleep(0.3)

    def remove(self, host: str) -> None:
        _docker("rm", "--force", self.name(host), check=False)
        _docker("volume", "rm", "--force", self.name(host), check=False)


@pytest.fixture
def pair() -> Iterator[Pair]:
    found = Pair(f"carillon-pair-{uuid4().hex[:8]}")
    _docker("network", "create", found.mark)
    try:
        for host in ("postgres", "postgres-2"):
            found.run(host)
        found.comes_to("postgres", FOLLOWED, "sync")
        yield found
    finally:
        for host in ("postgres", "postgres-2"):
            found.remove(host)
        _docker("network", "rm", found.mark)


def test_whatever_dies_and_comes_back_one_writes_and_has_what_was_committed(pair: Pair) -> None:
    names = [pair.name("postgres"), pair.name("postgres-2")]
    pair.ask("postgres", "CREATE TABLE t (x int)")

    _docker("kill", *names)  # both at once: each comes back as what it was
    _docker("start", *names)
    pair.comes_to("postgres", FOLLOWED, "sync")
    pair.ask("postgres", "INSERT INTO t VALUES (1)")

    _docker("kill", names[0])
    _docker("exec", names[1], "pg_ctl", "promote")
    pair.ask("postgres-2", "INSERT INTO t VALUES (2)")
    _docker("kill", names[1])
    _docker("start", names[0])  # the old one comes back, and first
    time.sleep(2)
    _docker("start", names[1])
    pair.says("postgres", "postgres-2 has taken over, and what is here is old")
    assert pair.ask("postgres-2", "SELECT count(*) FROM t") == "2"

    pair.remove("postgres")
    broken_off = "mkdir -p /d/incoming/base && touch /d/PG_VERSION"
    _docker("run", "--rm", "--volume", f"{names[0]}:/d", "postgres:17", "sh", "-c", broken_off)
    _docker(
        "run", "--rm", "--volume", f"{names[0]}:/d", "postgres:17", "chown", "-R", "postgres", "/d"
    )
    pair.run("postgres")  # takes a whole copy
    pair.comes_to("postgres-2", FOLLOWED, "sync")
    assert pair.ask("postgres", "SELECT count(*) FROM t") == "2"

    pair.remove("postgres-2")
    pair.run("postgres-2")  # beside one that follows, an empty one is not the first of all
    pair.says("postgres-2", "postgres follows one that is gone: promote it first")
