"""An installation is upgraded from the images of the version before, as docs/keeping.md has it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.mailbox import Mail, Told
from tests.e2e.stack import ROOT, Stack, demo_stack
from tests.previous import previous

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

ORDER = ("notifier", "classifier", "poller")


def deliveries(mails: Iterable[Mail]) -> Counter[tuple[str, int]]:
    """How often each reader was told of each article."""
    return Counter((mail.recipient, pmid) for mail in mails for pmid in mail.pmids)


def upgraded(before: Stack, folder: Path) -> Stack:
    """The same installation, with this version's files and images."""
    env_file = folder / "env.upgraded"
    env_file.write_text(before.env_file.read_text().replace("VERSION=before", "VERSION=e2e"))
    return replace(before, folder=ROOT, env_file=env_file)


def test_new_images_take_over_one_by_one_while_articles_flow(
    expected: Told, tmp_path: Path
) -> None:
    code, commit = previous(tmp_path / "before", ".")
    with demo_stack("carillon-e2e-upgrade", tmp_path, code, "before") as before:
        after = upgraded(before, tmp_path)
        before.wait_for_mails(len(expected.mails) // 4)
        # Time stands still while images are made: the days would be over before they are.
        before.compose("pause", "demo")
        after.compose("build", seconds=900)
        after.compose("run", "--rm", "migrate")
        for service in ORDER:
            after.compose("unpause", "demo")
            after.compose("up", "--detach", "--no-deps", "--wait", service)
            assert after.exit_code("demo") is None, "articles flow no more"
            after.compose("pause", "demo")
        after.compose("unpause", "demo")
        after.wait_for_the_end()

        mails = after.mails()
        after.compose("run", "--rm", "migrate", "audit")
    copies = Counter(mail.message_id for mail in mails)
    assert set(copies.values()) == {1}, commit
    assert deliveries(mails) == deliveries(expected.mails), commit
