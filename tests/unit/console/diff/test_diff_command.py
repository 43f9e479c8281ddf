"""`carillon diff` as a user types it: what it prints, and its exit code."""

import asyncio
import json
from pathlib import Path

import pytest
from pydantic_core import from_json
from typer.testing import CliRunner, Result

from services.classifier.settings import TAXONOMY
from services.console.app import cli
from services.console.archive.lines import Writer
from services.console.archive.recorded import Recorded
from services.console.bus import Bus
from services.console.stores import embedded_url
from services.notifier import subscribers
from shared.database import make_engine, transaction
from shared.migrate import upgrade
from shared.outbox import Outgoing
from tests.builders import NOON
from tests.fakes import FakeClock
from tests.unit.console.diff.past import a_past, a_reader

PEMPHIGUS = [50000001, 50000006]
READERS = """
[[subscription]]
topic = "car-autoimmune"
address = "reader@example.org"
confirmed = true
cadence = "daily"

[subscription.filters]
disease = ["pemphigus"]
"""


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CARILLON_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def past(tmp_path: Path) -> str:
    return str(_written(tmp_path / "events.jsonl", a_past()))


@pytest.fixture
def silent(tmp_path: Path) -> str:
    """The shipped taxonomy without a word for pemphigus, and another version."""
    text = TAXONOMY.read_text(encoding="utf-8")
    path = tmp_path / "silent.toml"
    path.write_text(
        text.replace('patterns = ["pemphigus"]', "patterns = []").replace(
            'version = "2026', 'version = "next-2026', 1
        )
    )
    return str(path)


def _written(path: Path, entries: list[Recorded]) -> Path:
    writer = Writer()
    head = writer.header()
    lines = [writer.line(entry, from_json(entry.body)) for entry in entries]
    path.write_bytes(b"".join([head, *lines, writer.trailer()]))
    return path


def diff(*words: str) -> Result:
    return CliRunner().invoke(cli, ["diff", *words])


def test_nothing_changed_is_exit_code_0(past: str) -> None:
    for against in ("recorded", "installed"):
        done = diff("--file", past, "--against", against)
        assert done.exit_code == 0, done.output
        assert "7 articles compared, and none differs." in done.output


def test_something_changed_is_exit_code_1_and_told(past: str, silent: str) -> None:
    for against in ("recorded", "installed"):
        done = diff("--file", past, "--taxonomy", silent, "--against", against)
        assert done.exit_code == 1, done.output
        assert "7 articles compared: 2 differ (labels 2" in done.output
        assert "loses disease pemphigus" in done.output
        assert "50000001" in done.output
        assert "50000006" in done.output
        assert f"New: taxonomy next-2026.11 of {silent}, rules-2" in done.output
        assert "No subscriptions are at hand" in done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--against", "yesterday"), "nothing to compare with"),
        (("--against", "git:"), "nothing to compare with"),
        (("--since", "soon"), "--since: 'soon' is no time"),
        (("--taxonomy", "/nowhere.toml"), "/nowhere.toml cannot be read"),
        (("--gold", "/nowhere.jsonl"), "/nowhere.jsonl"),
        (("--subscriptions", "/nowhere.toml"), "subscriptions cannot be read"),
        (("--html", "/proc/nowhere/page.html"), "cannot be written"),
        (("--label",), "requires an argument"),
        (("--label", "no-such-label"), "nothing to compare"),
        (("--until", "2026-09-01"), "nothing to compare"),
    ],
)
def test_a_fault_is_exit_code_2_and_said(past: str, words: tuple[str, ...], said: str) -> None:
    done = diff("--file", past, *words)

    assert done.exit_code == 2
    assert said in done.stderr


def test_no_archive_is_a_fault_too() -> None:
    done = diff()

    assert done.exit_code == 2
    assert "no archive in" in done.stderr


def test_a_defect_is_a_fault_and_no_difference(past: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise LookupError("a defect")

    monkeypatch.setattr("services.console.commands.diff.print_comparison", broken)

    done = diff("--file", past)

    assert done.exit_code == 2
    assert "LookupError: a defect" in done.stderr


def test_json_has_everything(past: str, silent: str, tmp_path: Path) -> None:
    readers = tmp_path / "readers.toml"
    readers.write_text(READERS)

    done = diff("--file", past, "--taxonomy", silent, "--json", "--subscriptions", str(readers))

    found = json.loads(done.stdout)
    assert (done.exit_code, found["changed"]) == (1, True)
    assert (found["compared"], found["differing"]) == (7, 2)
    assert [one["pmid"] for one in found["articles"]] == PEMPHIGUS
    assert found["articles"][0]["before"]["scope"] == "core"
    assert found["articles"][0]["regards"] == ["scope", "labels"]
    (digest,) = found["digests"]
    assert (digest["before"], digest["after"]) == (2, 0)
    assert found["subscriptions_differing"] == [digest["subscription_id"]]
    assert "reader@example.org" not in done.output


async def _lived(state: Path) -> None:
    """A store of each kind: a reader who confirmed, one who did not, one who is suppressed."""
    state.mkdir()
    bus = make_engine(embedded_url(state, "bus"))
    await upgrade(bus, "console")
    await Bus(bus, FakeClock(NOON)).publish(
        [Outgoing(one.event_id, one.type, one.routing_key, one.body) for one in a_past()]
    )
    await bus.dispose()
    store = make_engine(embedded_url(state, "notifier"))
    await upgrade(store, "notifier")
    readers = (a_reader("yes"), a_reader("no", confirmed_at=None), a_reader("off"))
    async with transaction(store) as connection:
        for reader in readers:
            await subscribers.save(connection, reader, "file", NOON)
        await subscribers.deactivate(connection, "off", "left")
    await store.dispose()


def test_the_archive_and_the_readers_of_the_embedded_mode_are_looked_at(
    state: Path, silent: str
) -> None:
    asyncio.run(_lived(state))
    before = {path.name: path.read_bytes() for path in state.iterdir()}

    assert diff().exit_code == 0
    found = json.loads(diff("--taxonomy", silent, "--json").stdout)

    assert [one["pmid"] for one in found["articles"]] == PEMPHIGUS
    assert (found["subscriptions"], found["subscriptions_differing"]) == (1, ["yes"])
    assert {path.name: path.read_bytes() for path in state.iterdir()} == before


def test_json_of_no_difference_is_a_document_too(past: str) -> None:
    found = json.loads(diff("--file", past, "--json").stdout)

    assert (found["changed"], found["articles"], found["digests"]) == (False, [], [])


def test_the_page_has_both_sentences_and_escapes_what_it_shows(silent: str, tmp_path: Path) -> None:
    word, script = b"Chimeric autoantibody", b"<script>x</script> Chimeric autoantibody"
    hostile = [
        Recorded(
            entry.position, entry.event_id, entry.type, entry.routing_key, entry.published_at,
            entry.body.replace(word, script),
        )
        for entry in a_past()
    ]  # fmt: skip
    past, page = _written(tmp_path / "hostile.jsonl", hostile), tmp_path / "out" / "page.html"

    done = diff("--file", str(past), "--taxonomy", silent, "--html", str(page))

    assert done.exit_code == 1, done.output
    html = page.read_text(encoding="utf-8")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "<mark>pemphigus</mark>" in html
    assert html.count("<article>") == 2


def test_gold_labels_say_who_is_right(past: str, silent: str, tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    line = {"id": "1", "pmid": 50000001, "title": "CAAR-T cells for pemphigus vulgaris"}
    gold.write_text(json.dumps(line | {"scope": "core", "disease": ["pemphigus"]}) + "\n")

    for against in ("recorded", "installed"):
        words = ("--taxonomy", silent, "--gold", str(gold), "--json", "--against", against)
        found = json.loads(diff("--file", past, *words).stdout)["gold"]
        assert (found["examples"], found["measured"]) == (1, 1)
        figures = {one["id"]: one for one in found["labels"]}["pemphigus"]
        assert (figures["support"], figures["before"]["recall"]) == (1, 1.0)
        assert (figures["after"]["recall"], figures["after"]["precision"]) == (0.0, None)


def test_a_gold_example_that_was_not_recorded_is_not_measured(past: str, tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    gold.write_text('{"id": "1", "title": "CAAR-T cells", "scope": "core"}\n')

    done = diff("--file", past, "--gold", str(gold))

    assert done.exit_code == 0
    assert "0 of 1 labelled examples measured." in done.output
