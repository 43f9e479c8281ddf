"""`carillon replay` as an operator types it, in this process."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.console.app import cli
from services.console.bus import Bus, parked
from services.console.commands.replay_work import Wish, same_file
from services.console.replay.selection import Selection
from services.console.stores import embedded_stores, embedded_url
from services.notifier import subscribers
from shared.database import make_engine, transaction
from shared.errors import CarillonError, ConfigurationError
from shared.migrate import upgrade
from tests.builders import NOON, classified, discovered, poll_completed
from tests.fakes import FakeClock
from tests.unit.console.archive.test_reading import outgoing
from tests.unit.notifier.kit import a_subscription


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CARILLON_AMQP_URL", "CARILLON_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "state"
    monkeypatch.setenv("CARILLON_STATE", str(folder))
    asyncio.run(_lived(folder))
    return folder


async def _lived(state: Path) -> None:
    stores = embedded_stores(state)
    await stores.migrate()
    async with transaction(stores.notifier) as connection:
        for name, confirmed in (("reader", NOON), ("other", NOON), ("asked", None)):
            one = a_subscription(id=name, confirmed_at=confirmed)
            await subscribers.save(connection, one, "console", NOON)
    await stores.close()
    engine = make_engine(embedded_url(state, "bus"))
    await upgrade(engine, "console")
    events = [discovered(), classified(), poll_completed()]
    await Bus(engine, FakeClock(NOON)).publish([outgoing(one) for one in events])
    async with transaction(engine) as connection:
        await connection.execute(
            parked.insert().values(
                consumer="classifier", archived=1, attempt=1, reason="bug", error="KeyError: 'x'",
                traceback="", first_failed_at=NOON, parked_at=NOON,
            )
        )  # fmt: skip
    await engine.dispose()


def carillon(*words: str) -> Result:
    return CliRunner().invoke(cli, ["replay", *words], env={"COLUMNS": "200"})


def refused(*words: str) -> str:
    fault = carillon(*words).exception
    assert isinstance(fault, CarillonError), fault
    return str(fault)


def test_without_go_it_is_only_said(state: Path) -> None:
    said = carillon("--broker", "--since", "2026-09-01").output

    assert "3 events, from 2026-09-07 12:00 to 2026-09-07 12:00 UTC" in said
    assert "to the queue classifier: 1" in said
    assert "to the queue notifier: 2" in said
    assert "sending takes about 1 s (as fast as they are taken)" in said
    assert "sent nothing: 2 subscriptions of these topics" in said
    assert discovered().id in said
    assert said.endswith("nothing was replayed: --go does it\n")


def test_the_sandbox_is_the_default_and_names_no_queue(state: Path) -> None:
    said = carillon("--last", "1").output

    assert "1 events" in said
    assert "queue" not in said


def test_the_sandbox_is_for_the_confirmed_readers_that_there_are_without_their_addresses(
    state: Path, tmp_path: Path
) -> None:
    before = (state / "notifier.db").read_bytes()

    done = carillon("--go", "--out", str(tmp_path / "out"), "--until", "2026-09-15")

    assert done.exit_code == 0, done.output
    assert "for its own 2 subscriptions, without their addresses" in done.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["subscriptions"] == ["other", "reader"]
    assert report["digests"]
    made = b"".join(one.read_bytes() for one in (tmp_path / "out").rglob("*") if one.is_file())
    assert b"@example.org" not in made
    assert (state / "notifier.db").read_bytes() == before


def test_who_is_named_is_told_apart_and_has_to_be_a_confirmed_reader(state: Path) -> None:
    said = carillon("--broker", "--to", "reader").output

    assert "may be sent a digest, marked as a replay: reader" in said
    assert "sent nothing: the other 1 subscription of these topics" in said
    assert "no subscription 'nobody'" in refused("--broker", "--to", "reader,nobody")
    assert "asked is never written to (not confirmed)" in refused("--broker", "--to", "asked")


def test_what_is_parked_is_chosen_by_its_reason_and_stays(state: Path) -> None:
    for _ in range(2):
        said = carillon("--queue", "classifier", "--parked", "bug").output
        assert "1 events" in said
        assert "to the queue classifier: 1" in said
    assert "nothing is parked for the reason 'killer'" in refused("--parked", "killer")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--broker", "--queue", "notifier"), "one target"),
        (("--sandbox", "--broker"), "one target"),
        (("--force",), "are for --broker and --queue"),
        (("--queue", "parked"), "is no consumer's queue; it may be classifier or notifier"),
        (("--since", "soon"), "--since: 'soon' is no time"),
    ],
)
def test_what_cannot_be_meant_is_said(state: Path, words: tuple[str, ...], says: str) -> None:
    assert says in refused(*words)


def test_the_queues_of_the_embedded_mode_are_not_replayed_through(state: Path) -> None:
    assert "is for a deployment: set CARILLON_DATABASE_URL" in refused("--broker", "--go")
    assert "is for a deployment" in refused("list")


@pytest.mark.parametrize("words", [("--force",), ("--to", "reader", "--yes-send-to", "1")])
def test_what_may_be_felt_outside_needs_a_reason_on_record(
    state: Path, words: tuple[str, ...]
) -> None:
    assert "--because: say for the record why" in refused("--broker", "--go", *words)


def test_real_mail_has_to_be_said_twice(state: Path) -> None:
    words = ("--broker", "--go", "--because", "a trial", "--to", "reader,other")

    assert "--to names 2 subscriptions, not 3" in refused(*words, "--yes-send-to", "3")
    assert "is for a deployment" in refused(*words, "--yes-send-to", "2")
    typed = CliRunner().invoke(cli, ["replay", *words], input="1\n")
    assert "2 may really be sent a digest. How many may be?" in typed.output
    assert "names 2 subscriptions, not 1" in str(typed.exception)


def test_nothing_chosen_is_no_replay(state: Path) -> None:
    assert "there is nothing to replay" in refused("--broker", "--go", "--until", "2001-01-01")


def test_the_record_holds_no_address_and_a_file_is_known_again(state: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(CliRunner().invoke(cli, ["record"]).stdout_bytes)
    because = "asked by bob@example.org, password=hunter2"
    wish = Wish("broker", by="ada@example.org", because=because)

    order = wish.order(Selection(), str(file), 3, file)

    assert (order.by, order.because) == ("ada", "asked by (address) [removed]")
    moved = file.rename(tmp_path / "moved.jsonl")
    assert same_file(order, moved) == moved
    moved.write_bytes(CliRunner().invoke(cli, ["record", "--last", "1"]).stdout_bytes)
    with pytest.raises(ConfigurationError, match="not the file that this replay began with"):
        same_file(order, moved)
