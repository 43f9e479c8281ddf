"""Recorded to a file and taken in again; and what an import must never do to what comes live."""

import io
import json
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.archive.embedded import read_embedded
from services.console.archive.extent import measure
from services.console.archive.importing import Imported, import_embedded
from services.console.archive.lines import verify
from services.console.bus import Bus, metadata
from services.console.commands.record_events import write
from services.console.replay.selection import Selection
from shared.outbox import Outgoing
from shared.topology import CLASSIFIER
from tests.builders import NOON, digest_delivered, discovered, poll_completed
from tests.fakes import FakeClock
from tests.unit.console.archive.test_reading import EVENTS, all_of, outgoing


@pytest.fixture
async def bus(sqlite: AsyncEngine) -> Bus:
    async with sqlite.begin() as connection:
        await connection.run_sync(metadata.create_all)
    return Bus(sqlite, FakeClock(NOON))


async def recorded(bus: Bus, path: Path, selection: Selection | None = None) -> int:
    out = io.BytesIO()
    left_out = await write(lambda: read_embedded(bus.engine), selection or Selection(), out)
    path.write_bytes(out.getvalue())
    return left_out


async def empty(bus: Bus) -> None:
    async with bus.engine.begin() as connection:
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(metadata.create_all)


async def test_what_was_recorded_comes_back_the_same(bus: Bus, tmp_path: Path) -> None:
    await bus.publish([outgoing(event) for event in EVENTS])
    before = await all_of(read_embedded(bus.engine))
    file = tmp_path / "events.jsonl"

    assert await recorded(bus, file) == 0
    await empty(bus)
    assert await import_embedded(file, bus.engine) == Imported(taken=len(EVENTS))

    assert await all_of(read_embedded(bus.engine)) == before
    assert await import_embedded(file, bus.engine) == Imported(known=len(EVENTS))
    assert await all_of(read_embedded(bus.engine)) == before


async def test_recording_twice_gives_the_same_bytes(bus: Bus, tmp_path: Path) -> None:
    await bus.publish([outgoing(event) for event in EVENTS])

    await recorded(bus, tmp_path / "a")
    await recorded(bus, tmp_path / "b")

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


async def test_only_what_is_selected_is_recorded(bus: Bus, tmp_path: Path) -> None:
    await bus.publish([outgoing(event) for event in EVENTS])
    file = tmp_path / "events.jsonl"

    await recorded(bus, file, Selection(types=frozenset({"poll.completed"})))

    assert verify(file).events == 1
    assert json.loads(file.read_bytes().splitlines()[0])["selection"] == "type poll.completed"


async def test_what_cannot_be_scrubbed_is_left_out_named_and_counted(
    bus: Bus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = Outgoing("bad", "x", "poll.completed", b'{"secret": "abc"')
    await bus.publish([bad, outgoing(poll_completed())])
    file = tmp_path / "events.jsonl"

    assert await recorded(bus, file) == 1

    assert (verify(file).events, verify(file).left_out) == (1, 1)
    assert b"abc" not in file.read_bytes()
    said = capsys.readouterr().err
    assert "entry 1 (bad)" in said
    assert "abc" not in said


async def test_an_imported_event_that_is_published_here_later_is_delivered(
    bus: Bus, tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    await bus.publish([outgoing(discovered())])
    await recorded(bus, file)
    await empty(bus)
    await import_embedded(file, bus.engine)
    got: list[bytes] = []

    async def handle(body: bytes) -> None:
        got.append(body)

    assert await bus.deliver(CLASSIFIER, handle) == 0, "the past is given to nobody"
    await bus.publish([outgoing(discovered())])
    await bus.publish([outgoing(discovered())])

    assert await bus.deliver(CLASSIFIER, handle) == 1
    assert got == [discovered().encode()]
    await import_embedded(file, bus.engine)
    await bus.publish([outgoing(discovered())])
    assert await bus.deliver(CLASSIFIER, handle) == 0


async def test_the_extent_counts_all_there_is(bus: Bus) -> None:
    bad = Outgoing("bad", "x", "poll.completed", b"{")
    await bus.publish([outgoing(discovered()), outgoing(digest_delivered()), bad])

    extent = await measure(read_embedded(bus.engine))

    assert (extent.entries, extent.unknown, extent.first, extent.last) == (3, 1, NOON, NOON)
    assert extent.by_type == {"article.discovered": 1, "digest.delivered": 1}
    assert extent.by_day == {NOON.date(): 3}
    assert extent.size == len(discovered().encode()) + len(digest_delivered().encode()) + 1
