"""The stories an operator tells of docker-compose.yml; each starts the whole installation."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.mailbox import Told, told
from tests.e2e.site import ask_for_news, confirm, post, slack_channel
from tests.e2e.stack import PUBLIC_URL, ROOT, SLACK_HOST, Stack, demo_stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

IMAGES = {
    "poller": "poller",
    "classifier": "classifier",
    "notifier": "notifier",
    "ncbi-sim": "ncbi_sim",
}

KILLED = ("poller", "rabbitmq", "classifier", "ncbi-sim", "notifier", "postgres")
"""Everything but MailDev, which keeps its mails in memory."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The installation when the demo's days are over."""
    with demo_stack("carillon-e2e-whole", tmp_path_factory.mktemp("whole")) as stack:
        stack.wait_for_the_end()
        yield stack


def test_the_demo_reaches_the_mail_client_as_the_embedded_one_tells_it(
    whole: Stack, expected: Told
) -> None:
    readers = {mail.recipient for mail in expected.mails}
    mails = [mail for mail in whole.mails() if mail.recipient in readers]

    assert sorted(mails) == sorted(expected.mails)
    held = whole.labels()
    assert {pmid: held[pmid] for pmid in expected.labels} == expected.labels


def test_readers_come_in_by_the_page_are_told_and_leave_by_one_click(whole: Stack) -> None:
    address = "new@example.org"
    with slack_channel(whole) as channel:
        assert "Please look into your mailbox" in ask_for_news(whole, email=address)
        assert "Confirmed" in confirm(whole, address)
        ask_for_news(whole, email="watch@example.org", when_empty="heartbeat")
        assert "Confirmed" in confirm(whole, "watch@example.org")
        hook, owner = f"http://{SLACK_HOST}:8080/services/T0/B0/x", "owner@example.org"
        ask_for_news(whole, channel="slack", url=hook, email=owner)
        assert "Confirmed" in confirm(whole, owner)
        assert len(channel.payloads()) == 1, "a message tries the channel"

        whole.on_to("2026-09-22T12:00:00+00:00")
        digest = whole.mails_to(address, " new on ")[-1]
        assert digest.pmids
        channel.wait_for_payloads(2)
        assert all(payload["blocks"] for payload in channel.payloads()[1:])

    way_out = digest.one_click.removeprefix(PUBLIC_URL)
    assert way_out.startswith("/leave?token=")
    post(whole, way_out, **{"List-Unsubscribe": "One-Click"})
    whole.on_to("2026-09-29T12:00:00+00:00")
    whole.mails_to("watch@example.org", "by 29 Sep")
    assert whole.mails_to(address)[-1] == digest


@pytest.mark.timeout(2400)
def test_killing_each_service_in_the_middle_changes_nothing_about_the_result(
    expected: Told, tmp_path: Path
) -> None:
    with demo_stack("carillon-e2e-killed", tmp_path) as stack:
        for number, service in enumerate(KILLED, start=1):
            stack.wait_for_mails(number * len(expected.mails) // (len(KILLED) + 2))
            stack.compose("kill", service)
            stack.compose("start", service)
        stack.wait_for_the_end()
        assert told(stack.mails()) == told(expected.mails)


@pytest.mark.parametrize(("target", "package"), IMAGES.items())
def test_an_image_can_import_its_own_service_and_no_other(target: str, package: str) -> None:
    image = f"carillon/{target}:e2e"
    subprocess.run(
        ["docker", "build", "-q", "-f", "deploy/Dockerfile", "--target", target, "-t", image, "."],
        cwd=ROOT, check=True, capture_output=True, timeout=600,
    )  # fmt: skip
    script = (
        "import importlib, pkgutil, services\n"
        "names = sorted(m.name for m in pkgutil.iter_modules(services.__path__))\n"
        f"importlib.import_module('services.{package}.app')\n"
        "import os; print(*names, os.getuid() != 0)"
    )
    answer = subprocess.run(
        ["docker", "run", "--rm", "--network", "none", image, "python", "-c", script],
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert answer.stdout.split() == [package, "True"], answer.stderr
