"""The pages of a composed stack, as a reader's browser and mail program use them."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.ncbi_sim.catalogue import load_catalogue
from services.ncbi_sim.settings import PACKAGED_CATALOGUE
from tests.e2e.mailbox import Mail
from tests.e2e.stack import SLACK_HOST, Stack

IMAGE = "python:3.13-slim"
ENDPOINT = Path(__file__).with_name("slack_endpoint.py")


def post(stack: Stack, path: str, **fields: str | list[str]) -> str:
    """Send a form of ours; the text of the page that comes."""
    with stack.browser() as browser:
        answer = browser.post(path, data=fields)
    said = re.findall(r"<h1>.*?</h1>|<li><a href=.#.*?</li>", answer.text)
    assert answer.status_code == 200, f"{path.partition('?')[0]}: {answer.status_code} {said}"
    return answer.text


USUAL: dict[str, str | list[str]] = {
    "topic": "car-autoimmune",
    "scope": ["core", "adjacent", "unclear"],
    "channel": "email",
    "cadence": "daily",
    "hour": "7",
    "time_zone": "UTC",
}


def ask_for_news(stack: Stack, **choices: str) -> str:
    """Subscribe by the page, daily, to the demo's topic."""
    return post(stack, "/subscribe", **{**USUAL, **choices})


def path_of(stack: Stack, text: str, page: str) -> str:
    """The first link to a page of ours, without the host that only the mails know."""
    found = re.search(rf"{re.escape(stack.public_url)}(/{page}\b[^\s>]*)", text)
    assert found, f"no link to /{page} in:\n{text}"
    return found[1]


def confirm(stack: Stack, address: str) -> str:
    """Open the link in the letter, look at the page, and press its button."""
    letter = stack.mails_to(address, "Please confirm")[-1]
    path = path_of(stack, letter.text, "confirm")
    with stack.browser() as browser:
        looked = browser.get(path)
    assert "Is this what you want?" in looked.text
    return post(stack, "/confirm", token=path.partition("token=")[2], action="confirm")


def the_catalogue_by_mail(stack: Stack) -> Mail:
    """Somebody comes in by the page, confirms, and has the demo's articles the next day."""
    address = "you@example.org"
    assert "Please look into your mailbox" in ask_for_news(stack, email=address)
    assert "Confirmed" in confirm(stack, address)

    stack.on_to("2026-09-22T12:00:00+00:00")
    digest = stack.mails_to(address, " new on ", seconds=180)[-1]

    listed = {article.pmid for article in load_catalogue(PACKAGED_CATALOGUE).articles}
    assert digest.pmids
    assert set(digest.pmids) <= listed
    ((counted, held),) = re.findall(r"PubMed\s+counted\s+(\d+),\s+we\s+hold\s+(\d+)", digest.text)
    assert counted == held
    assert {mail.recipient for mail in stack.mails()} == {address}, "nobody else has asked"
    return digest


class Channel:
    """What one Slack channel was sent."""

    def __init__(self, container: str) -> None:
        self._container = container

    def payloads(self) -> list[dict[str, object]]:
        """The payloads in order."""
        said = subprocess.run(
            ["docker", "logs", self._container],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        return [json.loads(line) for line in said.stdout.splitlines()]

    def wait_for_payloads(self, number: int, seconds: float = 60) -> None:
        """Return when so many have come."""
        deadline = time.monotonic() + seconds
        while len(self.payloads()) < number:
            assert time.monotonic() < deadline, f"no payload {number} in {seconds:g} s"
            time.sleep(0.5)


@contextmanager
def slack_channel(stack: Stack) -> Iterator[Channel]:
    """A Slack endpoint in the stack's network, under the host that its notifier admits."""
    network = f"{stack.project}_default"
    started = subprocess.run(
        ["docker", "run", "--detach", "--rm", "--network", network, "--network-alias", SLACK_HOST,
         "--volume", f"{ENDPOINT}:/endpoint.py:ro", IMAGE, "python", "-u", "/endpoint.py"],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    container = started.stdout.strip()
    try:
        yield Channel(container)
    finally:
        subprocess.run(["docker", "rm", "-f", container], capture_output=True, check=True)
