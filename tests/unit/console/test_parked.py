"""Parked messages of the embedded mode, and the command as an operator types it."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from services.console.archive.scrub import without_secrets
from services.console.bus import Bus, archive, parked, queue
from services.console.commands.parked import cli
from services.console.parked.choose import Filter, choose, may_go
from services.console.parked.edit import edited, in_editor
from services.console.parked.message import origin, read
from services.console.parked.travel import as_named, travelling
from services.console.stores import embedded_stores, embedded_url
from shared.database import make_engine, transaction
from shared.errors import CarillonError, ConfigurationError, Permanent, Retryable
from shared.events import ParkedResolved, Undecodable, decode
from shared.migrate import upgrade
from shared.outbox import Outgoing
from shared.topology import CLASSIFIER, EXCHANGE
from tests.builders import NOON, discovered, poll_completed
from tests.fakes import FakeClock

BUG, LASTING, PASSED = (f"0000000{n}-0000-5000-8000-000000000000" for n in range(3))


def _body(event_id: str) -> bytes:
    return discovered().model_copy(update={"id": event_id}).encode()


@dataclass(frozen=True)
class Shown:
    stdout: str
    stderr: str
    returncode: int


class Carillon:
    """Runs `carillon parked` in this process, on stores of its own."""

    def __init__(self, folder: Path) -> None:
        self.environment = {"CARILLON_STATE": str(folder / "state"), "COLUMNS": "200"}

    def __call__(self, *words: str, **more: str) -> Shown:
        result = CliRunner().invoke(cli, words[1:], env=self.environment | more)
        if result.exception and not isinstance(result.exception, CarillonError | SystemExit):
            raise result.exception
        said = result.exception if isinstance(result.exception, CarillonError) else result.stderr
        return Shown(result.stdout, str(said), result.exit_code)


@pytest.fixture
def carillon(tmp_path: Path) -> Carillon:
    """An embedded line with three parked messages: a bug, one that lasts, one that has passed."""
    asyncio.run(_park(tmp_path / "state"))
    return Carillon(tmp_path)


async def _park(state: Path) -> None:
    stores = embedded_stores(state)
    await stores.migrate()
    await stores.close()
    engine = make_engine(embedded_url(state, "bus"))
    await upgrade(engine, "console")
    clock = FakeClock(NOON)
    bus = Bus(engine, clock)
    faults = {BUG: KeyError("x"), LASTING: Permanent("no such topic"), PASSED: Retryable("away")}
    await bus.publish(
        [Outgoing(one, discovered().type, "article.discovered", _body(one)) for one in faults]
    )

    async def handle(body: bytes) -> None:
        raise faults[decode(body).id]

    for _ in range(8):
        await bus.deliver(CLASSIFIER, handle)
        clock.advance(hours=7)
    await engine.dispose()


async def _rows(state: Path, table: sa.Table) -> list[sa.Row[tuple[object, ...]]]:
    engine = make_engine(embedded_url(state, "bus"))
    async with transaction(engine) as connection:
        rows = (await connection.execute(sa.select(table))).all()
    await engine.dispose()
    return list(rows)


def _bus(tmp_path: Path, table: sa.Table) -> list[sa.Row[tuple[object, ...]]]:
    return asyncio.run(_rows(tmp_path / "state", table))


def _audits(tmp_path: Path) -> list[ParkedResolved]:
    events = [decode(row.body) for row in _bus(tmp_path, archive)]
    return [event for event in events if isinstance(event, ParkedResolved)]


def test_the_list_says_how_many_why_and_since_when(carillon: Carillon) -> None:
    shown = carillon("parked")

    assert shown.returncode == 0, shown.stderr
    for reason, attempts in (("bug", "1"), ("permanent", "1"), ("exhausted", "7")):
        (line,) = (line for line in shown.stdout.splitlines() if f" {reason} " in line)
        cells = [cell.strip() for cell in line.strip("│ ").split("│")]
        assert cells[:2] == ["classifier.parked", reason]
        assert cells[2:5] == ["1", "2026-09-07 12:00", attempts]
    assert "3 parked" in shown.stdout
    each = carillon("parked", "--each", "--reason", "bug").stdout
    assert BUG in each
    assert LASTING not in each


def test_one_is_shown_whole_by_the_beginning_of_its_id(carillon: Carillon) -> None:
    shown = carillon("parked", "show", BUG[:8]).stdout

    assert '"pmid": 40000001' in shown
    assert "carillon-origin-routing-key: article.discovered" in shown
    assert "Traceback (most recent call last)" in shown
    assert "KeyError: 'x'" in shown
    assert "is the beginning of several" in carillon("parked", "show", "0000").stderr
    assert "too short" in carillon("parked", "show", "0").stderr
    assert "no parked message" in carillon("parked", "show", "ffff").stderr


def test_nothing_is_moved_without_go_and_what_fails_again_is_refused(
    carillon: Carillon, tmp_path: Path
) -> None:
    assert "say which" in carillon("parked", "redrive").stderr
    said = carillon("parked", "redrive", "--all")
    assert "2 would go back, 1 refused" in said.stdout
    assert len(_bus(tmp_path, parked)) == 3

    done = carillon("parked", "redrive", "--all", "--go", "--by", "ada", "--because", "mended")

    assert "2 put back" in done.stdout, done.stderr
    assert {row.reason for row in _bus(tmp_path, parked)} == {"permanent"}
    waiting = _bus(tmp_path, queue)
    assert [(one.consumer, one.attempt) for one in waiting] == [("classifier", 0)] * 2
    (audit,) = _audits(tmp_path)
    assert (audit.data.by, audit.data.because, audit.data.forced) == ("ada", "mended", False)
    assert set(audit.data.messages) == {BUG, PASSED}
    assert audit.data.reasons == {"bug": 1, "exhausted": 1}


def test_forced_a_lasting_one_goes_back(carillon: Carillon, tmp_path: Path) -> None:
    done = carillon("parked", "redrive", "--reason", "permanent", "--force", "--go")

    assert "1 put back" in done.stdout
    assert len(_bus(tmp_path, queue)) == 1
    assert [audit.data.forced for audit in _audits(tmp_path)] == [True]


def test_a_discarded_message_is_gone_and_on_record(carillon: Carillon, tmp_path: Path) -> None:
    assert carillon("parked", "discard", BUG).returncode != 0
    why = "a test of https://hooks.slack.com/services/T/B/key with token=abc, says ada@example.org"
    assert "1 discarded" in carillon("parked", "discard", BUG, "--because", why).stdout

    assert {row.reason for row in _bus(tmp_path, parked)} == {"exhausted", "permanent"}
    assert _bus(tmp_path, queue) == []
    (audit,) = _audits(tmp_path)
    told = "a test of [removed] with [removed], says (address)"
    assert (audit.data.resolution, audit.data.because) == ("discarded", told)


def test_an_edited_message_is_checked_and_the_archive_keeps_both(
    carillon: Carillon, tmp_path: Path
) -> None:
    file = tmp_path / "mended.json"
    content = json.loads(_body(LASTING))
    file.write_text(json.dumps(content), encoding="utf-8")
    same = carillon("parked", "edit", LASTING, "--file", str(file))
    assert "nothing was changed" in same.stderr
    file.write_text(json.dumps({**content, "type": "carillon.article.discovered.v9"}), "utf-8")
    assert "not a Carillon event" in carillon("parked", "edit", LASTING, "--file", str(file)).stderr
    assert len(_bus(tmp_path, parked)) == 3

    content = json.loads(carillon("parked", "show", LASTING, "--body").stdout)
    content["data"]["topic"], content["data"]["newer"] = "other", "kept"
    file.write_text(json.dumps(content), encoding="utf-8")
    assert "cannot be read" in carillon("parked", "edit", LASTING, "--file", "/nowhere").stderr
    done = carillon("parked", "edit", LASTING, "--file", str(file), "--by", "ada@example.org")

    assert "sent to the classifier" in done.stdout, done.stderr
    (waiting,) = _bus(tmp_path, queue)
    (sent,) = (row for row in _bus(tmp_path, archive) if row.seq == waiting.archived)
    assert json.loads(sent.body) == content
    assert [row.event_id for row in _bus(tmp_path, archive)].count(LASTING) == 1
    (audit,) = _audits(tmp_path)
    assert (audit.data.edited_to, audit.data.by) == (LASTING, "ada")


def test_edited_twice_the_second_text_goes(carillon: Carillon, tmp_path: Path) -> None:
    """It fails again after the first edit; what is sent then is no earlier text."""
    file = tmp_path / "mended.json"
    for topic in ("first", "second"):
        content = json.loads(carillon("parked", "show", LASTING, "--body").stdout)
        content["data"]["topic"] = topic
        file.write_text(json.dumps(content), encoding="utf-8")
        assert "sent to" in carillon("parked", "edit", LASTING, "--file", str(file)).stdout
        (waiting,) = _bus(tmp_path, queue)
        (sent,) = (row for row in _bus(tmp_path, archive) if row.seq == waiting.archived)
        assert json.loads(sent.body)["data"]["topic"] == topic
        asyncio.run(_fail(tmp_path / "state"))


async def _fail(state: Path) -> None:
    async def handle(body: bytes) -> None:
        raise Permanent("still wrong")

    engine = make_engine(embedded_url(state, "bus"))
    await Bus(engine, FakeClock(NOON.replace(year=NOON.year + 1))).deliver(CLASSIFIER, handle)
    await engine.dispose()


def _replayed(event_id: str, **marks: Any) -> bytes:
    given = {"id": event_id, "replayid": "3f2a-1", "replayhop": 1, **marks}
    return discovered().model_copy(update=given).encode()


def test_a_live_message_is_not_meant_with_the_copy_that_a_replay_brought() -> None:
    """Both have the id of the event: to discard or edit the copy must not settle the live one."""
    live, copy = (read("classifier", b, BUG, {}) for b in (_body(BUG), _replayed(BUG)))

    assert live.key != copy.key
    assert copy.event_id == live.event_id == BUG
    for part in (BUG, BUG[:6]):
        with pytest.raises(ConfigurationError, match=rf"{BUG}\+3f2a-1, {BUG}\+live"):
            choose([live, copy], Filter((part,)))
    assert choose([live, copy], Filter((f"{BUG}+live",))) == (live,)
    assert choose([live, copy], Filter((f"{BUG}+3f2a",))) == (copy,)
    assert choose([live], Filter((BUG,))) == (live,)
    assert choose([copy], Filter((BUG,))) == (copy,)
    assert len(choose([live, copy], Filter(queue="classifier"))) == 2
    assert without_secrets(copy.id) == copy.id, "a recorded file keeps the name"


@pytest.mark.parametrize("name", ["replayid", "replayhop", "replayforce", "replayto"])
def test_an_edit_makes_nothing_live_of_a_replay_and_nothing_of_a_replay_of_what_is_live(
    name: str,
) -> None:
    marks = {"replayforce": True, "replayto": "ada"}
    replayed, live = json.loads(_replayed(BUG, **marks)), json.loads(_body(BUG))
    without = {key: value for key, value in replayed.items() if key != name}
    other = {**replayed, "replayid": "another"}
    with_marks = {**live, "replayid": "3f2a-1"}
    mended = {**replayed, "subject": "1"}

    for after, before in (
        (without, replayed), (other, replayed), (with_marks, live), (live, replayed),
    ):  # fmt: skip
        with pytest.raises((ConfigurationError, Undecodable), match="replayid"):
            edited(json.dumps(after), json.dumps(before).encode(), "classifier")
    for broken in (_replayed(BUG)[:-1], b"[" + _replayed(BUG)):
        with pytest.raises(ConfigurationError, match="replayid"):
            edited(json.dumps(live), broken, "classifier")
    with pytest.raises(ConfigurationError, match="replayid"):
        edited(json.dumps(replayed), _body(BUG)[:-1], "classifier")
    assert edited(json.dumps(mended), json.dumps(replayed).encode(), "classifier")[0].replayid
    assert edited(json.dumps(live), _body(BUG)[:-1], "classifier")[0].replayid is None


def test_the_editor_of_the_operator_opens_it(carillon: Carillon, tmp_path: Path) -> None:
    script = tmp_path / "ed"
    script.write_text("#!/bin/sh\nsed -i 's/car-autoimmune/other/' \"$1\"\n", encoding="utf-8")
    script.chmod(0o755)

    done = carillon("parked", "edit", LASTING, EDITOR=str(script))

    assert "sent to the classifier" in done.stdout, done.stderr
    assert "cannot be used" in carillon("parked", "edit", BUG, EDITOR="/nowhere/ed").stderr


def test_a_folder_that_never_ran_is_said(tmp_path: Path) -> None:
    shown = Carillon(tmp_path)("parked", "--state", str(tmp_path / "nowhere"))

    assert (shown.returncode, shown.stdout) == (1, "")
    assert "nothing in" in shown.stderr


def test_options_before_a_sub_command_are_not_passed_over(carillon: Carillon) -> None:
    assert "give options after" in carillon("parked", "--queue", "notifier", "show", BUG).stderr


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"[]", b'{"id": 7, "data": 1}', b'{"data": {"article": {"pmid": true}}}',
     b"[" * 100_000, b'{"id": "\\u001b[2J"}'],
)  # fmt: skip
def test_whatever_a_body_is_it_can_be_named(body: bytes) -> None:
    found = read("classifier", body, "0" * 32, {})

    assert len(found.id) == 16
    assert (found.type, found.pmid, found.attempts) == ("", None, 0)


@pytest.mark.parametrize(
    "headers",
    [
        {"carillon-reason": "bug"},
        {"carillon-reason": 7, "carillon-parked-at": "noon", "carillon-attempt": "x"},
        {"carillon-reason": "bug", "carillon-parked-at": "2026-09-07T12:00:00"},
        {"x-death": "x", "carillon-redriven": "often"},
        {"x-death": [7]},
        {"x-death": [{"routing-keys": [], "time": "x"}]},
        {"x-death": [{"routing-keys": 7}]},
    ],
)
def test_one_with_odd_headers_hides_no_other(headers: dict[str, Any]) -> None:
    found = read("classifier", b"x", None, headers)

    assert found.reason
    assert found.parked_at is None or found.parked_at.tzinfo
    assert origin(headers) == ("", "")
    assert travelling(headers, ("", ""))["carillon-redriven"] == 1


def test_copies_in_several_parkings_are_meant_together_and_one_queue_narrows_them() -> None:
    both = [read(name, _body(BUG), BUG, {}) for name in ("classifier", "notifier")]

    assert len(choose(both, Filter((BUG[:6],)))) == 2
    assert [one.consumer for one in choose(both, Filter((BUG,), "notifier.parked"))] == ["notifier"]
    with pytest.raises(ConfigurationError, match="known are classifier, notifier"):
        choose(both, Filter(queue="poller"))


def test_a_killer_fails_again_and_the_brokers_own_reasons_do_not() -> None:
    killer = read("classifier", b"a", None, _why("killer"))
    own = read("classifier", b"b", None, {"x-death": [{"reason": "delivery_limit", "count": 1}]})

    assert may_go([killer, own], forced=False).to_go == (own,)
    assert may_go([killer, own], forced=True).to_go == (killer, own)


def _why(reason: str) -> dict[str, object]:
    return {"carillon-reason": reason, "carillon-parked-at": NOON.isoformat()}


def test_what_the_broker_parked_by_itself_comes_from_its_first_death() -> None:
    deaths = [
        {"exchange": "", "routing-keys": ["classifier"], "count": 1},
        {"exchange": EXCHANGE, "routing-keys": ["article.revised"], "count": 11},
    ]

    assert origin({"x-death": deaths}) == (EXCHANGE, "article.revised")
    assert origin({}) == ("", "")


def test_business_headers_travel_and_the_past_stays() -> None:
    past = {"x-death": [], "x-first-death-queue": "q", "x-delivery-count": 3, "traceparent": "00",
            "carillon-attempt": 7, "carillon-deliveries": 4, "carillon-error": "x"}  # fmt: skip

    back = travelling({**past, "tenant": "a", "carillon-redriven": 1}, (EXCHANGE, "article.x"))

    assert back == {
        "tenant": "a",
        "carillon-origin-exchange": EXCHANGE,
        "carillon-origin-routing-key": "article.x",
        "carillon-redriven": 2,
    }
    assert (as_named(BUG), as_named("0" * 32), as_named(None)) == (BUG, None, None)


def test_an_edited_message_must_be_for_its_consumer() -> None:
    with pytest.raises(ConfigurationError, match="not for the classifier"):
        edited(poll_completed().encode().decode(), b"", "classifier")
    with pytest.raises(Undecodable):
        edited("{", b"", "classifier")


def test_an_editor_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "false")
    with pytest.raises(ConfigurationError, match="set EDITOR"):
        in_editor("{}")
