"""The same entries from the bus's file and from a file of lines, whole and in order."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.archive import embedded
from services.console.archive.embedded import read_embedded
from services.console.archive.lines import Writer, read_file, verify
from services.console.archive.recorded import LONG_AGO, Recorded, envelop
from services.console.bus import Bus, archive, metadata
from shared.errors import ConfigurationError
from shared.events import CloudEvent, Undecodable
from shared.marks import Marks
from shared.outbox import Outgoing
from tests.builders import NOON, classified, digest_delivered, discovered, poll_completed
from tests.fakes import FakeClock

EVENTS: tuple[CloudEvent, ...] = (
    discovered(),
    classified(),
    poll_completed(),
    digest_delivered(),
)


def outgoing(event: CloudEvent) -> Outgoing:
    kind = str(type(event).model_fields["type"].default)
    return Outgoing(event.id, kind, event.ROUTING_KEY, event.encode())


async def all_of(entries: AsyncIterator[Recorded]) -> list[Recorded]:
    return [entry async for entry in entries]


@pytest.fixture
async def bus(sqlite: AsyncEngine) -> Bus:
    async with sqlite.begin() as connection:
        await connection.run_sync(metadata.create_all)
    return Bus(sqlite, FakeClock(NOON))


async def test_an_embedded_archive_is_read_whole_and_in_order(bus: Bus) -> None:
    await bus.publish([outgoing(event) for event in EVENTS])

    entries = await all_of(read_embedded(bus.engine))

    assert [entry.body for entry in entries] == [event.encode() for event in EVENTS]
    assert [entry.event() for entry in entries] == list(EVENTS)
    assert [entry.position for entry in entries] == [1, 2, 3, 4]
    first = entries[0]
    assert (first.event_id, first.type) == (EVENTS[0].id, "carillon.article.discovered.v1")
    assert (first.routing_key, first.published_at) == ("article.discovered", NOON)


async def test_reading_ends_where_the_archive_ended_when_it_began(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "BATCH", 1)
    await bus.publish([outgoing(event) for event in EVENTS[:2]])
    seen = []

    async for entry in read_embedded(bus.engine):
        seen.append(entry.event_id)
        await bus.publish([outgoing(discovered(revision=10 + len(seen)))])

    assert seen == [event.id for event in EVENTS[:2]]


async def test_an_entry_that_cannot_be_read_is_an_entry_all_the_same(bus: Bus) -> None:
    await bus.publish([Outgoing("e1", "carillon.poll.completed.v1", "poll.completed", b"\xff{")])

    (entry,) = await all_of(read_embedded(bus.engine))

    assert (entry.event_id, entry.body, entry.published_at) == ("e1", b"\xff{", NOON)
    with pytest.raises(Undecodable, match="not JSON"):
        entry.event()


async def test_more_rows_than_a_batch_are_all_read(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "BATCH", 3)
    await bus.publish([outgoing(discovered(revision=n)) for n in range(1, 8)])
    async with bus.engine.begin() as connection:
        await connection.execute(sa.delete(archive).where(archive.c.seq == 4))

    assert [e.position for e in await all_of(read_embedded(bus.engine))] == [1, 2, 3, 5, 6, 7]


def test_marks_are_read_from_the_body() -> None:
    body = json.loads(discovered().encode())
    marks = {"replayid": "r1", "replayhop": 2, "replayforce": True, "replayto": ["s1"]}

    entry = envelop(7, json.dumps(body | marks).encode())

    assert entry.marks == Marks("r1", 2, force=True, to=("s1",))
    bare = envelop(7, json.dumps(body | {"replayid": "r1", "replayforce": None}).encode())
    assert bare.marks == Marks("r1", 0, force=False, to=()), "null is as if it were left out"
    assert (entry.position, entry.routing_key) == (7, "article.discovered")
    assert envelop(7, discovered().encode()).marks is None


def test_an_entry_without_a_time_has_that_of_the_one_before() -> None:
    assert envelop(1, b"x").published_at == LONG_AGO
    assert envelop(1, b"x", before=NOON).published_at == NOON


def _written(path: Path, events: tuple[CloudEvent, ...] = EVENTS, left_out: int = 0) -> Path:
    writer = Writer("everything")
    lines = [writer.header()]
    for number, event in enumerate(events, start=3):
        entry = envelop(number, event.encode(), published_at=NOON)
        lines.append(writer.line(entry, json.loads(event.encode())))
    path.write_bytes(b"".join((*lines, writer.trailer(left_out))))
    return path


async def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    path = _written(tmp_path / "events.jsonl", left_out=2)

    entries = await all_of(read_file(path))

    assert [entry.event() for entry in entries] == list(EVENTS)
    assert [entry.position for entry in entries] == [3, 4, 5, 6]
    assert {entry.published_at for entry in entries} == {NOON}
    assert entries[0].body == EVENTS[0].encode()
    assert (verify(path).events, verify(path).left_out) == (4, 2)
    head = json.loads(path.read_bytes().splitlines()[0])
    assert (head["carillon"], head["format"], head["selection"]) == ("events", 1, "everything")
    assert head["schemas"]["carillon.article.discovered"] == 1


async def test_a_file_of_nothing_is_a_file(tmp_path: Path) -> None:
    assert await all_of(read_file(_written(tmp_path / "events.jsonl", ()))) == []


def _changed(lines: list[bytes]) -> list[bytes]:
    return [*lines[:1], lines[1].replace(b"lupus", b"Lupus", 1), *lines[2:]]


def _newer(lines: list[bytes], **more: Any) -> list[bytes]:
    head = json.loads(lines[0]) | more
    return [json.dumps(head).encode() + b"\n", *lines[1:]]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_changed, "checksum"),
        (lambda lines: lines[:-1], "cut off"),
        (lambda lines: [*lines[:2], *lines[3:]], "checksum"),
        (lambda lines: lines[1:], "does not begin as a file"),
        (lambda lines: [], "cut off"),
        (lambda lines: _newer(lines, format=2), r"newer Carillon \(format 2\)"),
        (
            lambda lines: _newer(lines, schemas={"carillon.poll.completed": 2}),
            r"newer Carillon \(carillon.poll.completed.v2\)",
        ),
    ],
)
async def test_a_damaged_or_newer_file_is_refused_before_anything_is_read(
    tmp_path: Path, damage: Any, says: str
) -> None:
    path = _written(tmp_path / "events.jsonl")
    path.write_bytes(b"".join(damage(path.read_bytes().splitlines(keepends=True))))

    with pytest.raises(ConfigurationError, match=says):
        await anext(read_file(path))


async def test_a_file_that_is_not_there_is_said() -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.jsonl cannot be read"):
        await all_of(read_file(Path("nowhere.jsonl")))
