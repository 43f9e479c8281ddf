"""Replays through the queues of the whole installation, while its days go by.

It is the one on several nodes, of docs/cluster.md: what one node does with the same days is told
in test_compose.py.
"""

import hashlib
import json
import re
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.e2e.mailbox import Told, told
from tests.e2e.stack import CLUSTER, ROOT, Stack, demo_stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

PROJECTED = ("articles", "revisions", "received", "polls", "cards", "texts", "labels",
             "versions", "digests", "items")  # fmt: skip
"""What the notifier knows, and what it has sent. Its inbox has the ends of replays too."""
TWICE = ("poller", "classifier", "notifier")
PARTS = {
    *("rabbitmq-1", "rabbitmq-2-1", "rabbitmq-3-1", "postgres-1", "postgres-2-1"),
    *("maildev-1", "ncbi-sim-1", *(f"{service}-{n}" for service in TWICE for n in (1, 2))),
}
"""Every container that goes on running when the days are over."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("replay")
    with demo_stack("carillon-e2e-replay", folder, files=CLUSTER) as found:
        yield found


def _replay(stack: Stack, *words: str) -> str:
    run = ("run", "--rm", "--no-deps", "--no-TTY", "migrate", "replay")
    return stack.compose(*run, *words, seconds=300)


def _in_background(stack: Stack, name: str, *words: str) -> "subprocess.Popen[bytes]":
    options = ["-p", stack.project, "--env-file", str(stack.env_file), *stack.options]
    run = ["run", "--rm", "--no-deps", "--no-TTY", "--name", name, "migrate", "replay", *words]
    return subprocess.Popen(["docker", "compose", *options, *run], cwd=ROOT)


def _rows(stack: Stack, query: str) -> list[str]:
    psql = ("psql", "--username=carillon", "--no-align", "--tuples-only", f"--command={query}")
    return stack.compose("exec", "-T", "postgres", *psql).splitlines()


def _tables(stack: Stack) -> dict[str, str]:
    """A hash of every row of what the notifier and the classifier hold."""
    tables = [f"notifier.{name}" for name in PROJECTED]
    found = {}
    for table in (*tables, "classifier.classifications", "classifier.inbox"):
        rows = _rows(stack, f"SELECT t::text FROM {table} t ORDER BY t::text")  # noqa: S608
        found[table] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


def _sent(stack: Stack) -> int:
    there = "SELECT to_regclass('console.replays') IS NOT NULL"
    if _rows(stack, there) != ["t"]:
        return 0
    rows = _rows(stack, "SELECT sent FROM console.replays ORDER BY started_at DESC LIMIT 1")
    return int(rows[0]) if rows else 0


def _adds_up(stack: Stack, name: str) -> dict[str, int]:
    """The report of a replay: what was sent, and what became of it, at all consumers together."""
    columns = "state, chosen, sent, repeated, outcomes"
    (row,) = _rows(stack, f"SELECT {columns} FROM console.replays WHERE id = '{name}'")  # noqa: S608
    state, chosen, sent, repeated, outcomes = row.split("|", 4)
    total: dict[str, int] = {}
    for counts in json.loads(outcomes).values():
        for outcome, count in counts.items():
            total[outcome] = total.get(outcome, 0) + count
    assert state == "finished"
    assert int(chosen) == int(sent) + int(repeated)
    assert int(sent) == total["sent"]
    assert total["sent"] == sum(count for key, count in total.items() if key != "sent")
    return total


def test_killed_and_resumed_while_live_traffic_flows_it_adds_up_and_nobody_hears_of_it(
    stack: Stack, expected: Told
) -> None:
    stack.wait_for_mails(len(expected.mails) // 3)
    container = f"{stack.project}-killed"
    process = _in_background(stack, container, "--broker", "--go", "--rate", "10",
                             "--because", "while days go by")  # fmt: skip
    deadline = time.monotonic() + 120
    while _sent(stack) < 10:
        assert time.monotonic() < deadline, "it does not begin"
        assert process.poll() is None, "it ended before it was killed"
        time.sleep(0.2)
    subprocess.run(["docker", "kill", container], check=True, capture_output=True, timeout=60)
    assert process.wait(timeout=60) != 0
    (name,) = _rows(stack, "SELECT id FROM console.replays")
    before = _sent(stack)

    said = _replay(stack, "resume", name[:8])

    total = _adds_up(stack, name)
    assert total["sent"] > before
    assert total.keys() == {"sent", "deduplicated"}, said
    stack.wait_for_the_end()
    assert told(stack.mails()) == told(expected.mails)
    held = stack.labels()
    assert {pmid: held[pmid] for pmid in expected.labels} == expected.labels


def test_several_nodes_are_well_and_have_told_what_one_process_tells(
    stack: Stack, expected: Told
) -> None:
    stack.wait_for_the_end()

    assert sorted(stack.mails()) == sorted(expected.mails)
    assert stack.health() == dict.fromkeys(PARTS, "healthy")
    said = stack.compose("run", "--rm", "migrate", "audit")
    assert "Every article is accounted for, and nobody was told twice." in said


def test_everything_once_more_sends_nothing_and_changes_no_row(
    stack: Stack, expected: Told
) -> None:
    before, mails = _tables(stack), stack.mails()

    said = _replay(stack, "--broker", "--go", "--because", "all of it")

    found = re.search(r"replay ([0-9a-f-]{36});", said)
    assert found, said
    total = _adds_up(stack, found[1])
    assert total["sent"] == total["deduplicated"]
    assert _tables(stack) == before
    assert stack.mails() == mails


def test_forced_it_is_worked_on_again_and_still_nobody_hears_of_it(stack: Stack) -> None:
    mails, held = stack.mails(), stack.labels()

    said = _replay(stack, "--broker", "--go", "--force", "--type", "article.discovered",
                   "--because", "a new taxonomy")  # fmt: skip

    found = re.search(r"replay ([0-9a-f-]{36});", said)
    assert found, said
    (row,) = _rows(stack, f"SELECT outcomes FROM console.replays WHERE id = '{found[1]}'")  # noqa: S608
    outcomes = json.loads(row)
    assert outcomes["classifier"]["processed"] == outcomes["classifier"]["sent"]
    number = outcomes["classifier"]["sent"]
    assert outcomes["made"] == {"sent": number, "processed": number}
    assert stack.mails() == mails
    assert stack.labels() == held


def test_one_who_is_named_is_sent_one_mail_marked_as_a_replay(stack: Stack) -> None:
    before = stack.mails()
    address = "weekly@example.org"
    (name,) = _rows(
        stack,
        f"SELECT id FROM notifier.subscriptions WHERE address = '{address}'",  # noqa: S608
    )

    _replay(stack, "--broker", "--go", "--force", "--type", "article.discovered", "--to", name,
            "--yes-send-to", "1", "--because", "they asked to see it")  # fmt: skip

    shown = stack.compose("exec", "-T", "notifier", "cat", "/run/carillon/now").strip()
    stack.on_to((datetime.fromisoformat(shown) + timedelta(minutes=3)).isoformat())
    stack.mails_to(address, "[Replay]")
    (one,) = [mail for mail in stack.mails() if mail not in before]
    assert (one.recipient, one.subject.startswith("[Replay]")) == (address, True)
    assert one.pmids
