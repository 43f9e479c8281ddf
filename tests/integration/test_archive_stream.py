"""Reading RabbitMQ's stream: the same entries by its own protocol and by AMQP 0-9-1."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aio_pika
import httpx
import pytest
from aio_pika.exceptions import PublishError

from services.console.archive.importing import Imported, import_stream
from services.console.archive.lines import Writer
from services.console.archive.publishing import Onward, opened_channel, publish_all
from services.console.archive.recorded import Recorded, envelop
from services.console.archive.retention import Retention, tell_broker
from services.console.archive.stream import Stream
from shared import topology
from shared.broker import declare_topology
from shared.errors import Away, ConfigurationError
from shared.events import Undecodable
from tests.builders import NOON, an_article, discovered
from tests.parts import Rabbit

pytestmark = [pytest.mark.connected, pytest.mark.timeout(180)]

NONE = type(None)


@pytest.fixture
async def archive(amqp_url: str, rabbit: Rabbit) -> Stream:
    await declare_topology(amqp_url)
    return Stream(amqp_url, rabbit.stream_port)


def _by_amqp(archive: Stream) -> Stream:
    return replace(archive, port=0)


async def publish(url: str, bodies: list[bytes]) -> None:
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(topology.ARCHIVE_EXCHANGE, ensure=False)
        for start in range(0, len(bodies), 200):
            await asyncio.gather(
                *(
                    exchange.publish(
                        aio_pika.Message(body, message_id=f"m{start + n}", type="a.type"),
                        "article.discovered",
                    )
                    for n, body in enumerate(bodies[start : start + 200])
                )
            )


async def all_of(entries: AsyncIterator[Recorded]) -> list[Recorded]:
    return [entry async for entry in entries]


async def test_both_protocols_give_the_same_entries_whole_and_in_order(archive: Stream) -> None:
    events = [discovered(revision=n) for n in range(1, 1200)]
    large = discovered(article=an_article(copyright="x" * 400_000))
    bodies = [*(event.encode() for event in events), large.encode(), b"\xff not an event"]
    await publish(archive.url, bodies)

    entries = await all_of(archive.read())

    assert [entry.position for entry in entries] == list(range(1201))
    assert [entry.body for entry in entries] == bodies
    assert entries[0].event() == events[0]
    assert (entries[0].event_id, entries[0].published_at) == (events[0].id, events[0].time)
    assert {entry.routing_key for entry in entries} == {"article.discovered"}
    bad = entries[-1]
    assert (bad.event_id, bad.type, bad.published_at) == ("m1200", "a.type", NOON)
    with pytest.raises(Undecodable):
        bad.event()
    assert await all_of(_by_amqp(archive).read()) == entries


async def test_an_empty_archive_has_nothing(archive: Stream) -> None:
    assert await all_of(archive.read()) == []
    assert await all_of(_by_amqp(archive).read()) == []


@pytest.mark.parametrize("native", [True, False])
async def test_reading_ends_where_the_archive_ended_when_it_began(
    archive: Stream, native: bool
) -> None:
    await publish(archive.url, [discovered(revision=n).encode() for n in range(1, 21)])
    read = archive if native else _by_amqp(archive)
    seen: list[int] = []

    async for entry in read.read():
        if not seen:
            await publish(archive.url, [discovered(revision=n).encode() for n in range(30, 60)])
        seen.append(entry.position)

    assert seen == list(range(20))


async def test_what_was_confirmed_before_is_always_read(archive: Stream) -> None:
    for count in range(1, 7):
        await publish(archive.url, [discovered(revision=count).encode()])
        read = _by_amqp(archive) if count == 4 else archive
        assert len(await all_of(read.read())) == count


async def test_without_the_stream_port_amqp_reads(archive: Stream) -> None:
    await publish(archive.url, [discovered().encode()])

    assert len(await all_of(replace(archive, port=1).read())) == 1


async def test_a_broker_that_goes_away_is_no_end(archive: Stream, rabbit: Rabbit) -> None:
    await publish(archive.url, [discovered(revision=n).encode() for n in range(3000)])
    entries = archive.read()
    await anext(entries)
    await asyncio.to_thread(rabbit.stop)
    try:
        with pytest.raises(Away):
            await all_of(entries)
    finally:
        await asyncio.to_thread(rabbit.start)


async def test_a_broker_that_is_not_there_is_said() -> None:
    with pytest.raises(Away, match="broker"):
        await all_of(Stream("amqp://guest:guest@127.0.0.1:1/").read())


def _onward(event_id: str, key: str = "article.discovered", body: bytes = b"{}") -> Onward:
    return Onward(key, event_id, "a.type", body)


async def test_each_of_a_batch_is_told_whether_it_is_safe(archive: Stream) -> None:
    batch = [_onward("a"), _onward("b", "nothing.happened"), _onward("a"), _onward("b")]

    async with opened_channel(archive.url) as channel:
        faults = await publish_all(channel, topology.ARCHIVE_EXCHANGE, batch)

    assert [type(fault) for fault in faults] == [NONE, PublishError, NONE, NONE]
    assert [entry.event_id for entry in await all_of(archive.read())] == ["a", "a", "b"]


async def test_a_file_is_taken_in_once(archive: Stream, tmp_path: Path) -> None:
    there, new = discovered(), discovered(revision=2)
    file = tmp_path / "events.jsonl"
    writer = Writer()
    file.write_bytes(
        writer.header()
        + b"".join(
            writer.line(envelop(n, event.encode()), json.loads(event.encode()))
            for n, event in enumerate((there, new, new))
        )
        + writer.trailer()
    )
    await publish(archive.url, [there.encode()])

    assert await import_stream(file, archive) == Imported(taken=1, known=2)
    assert await import_stream(file, archive) == Imported(known=3)

    entries = await all_of(archive.read())
    assert [entry.event_id for entry in entries] == [there.id, new.id]
    assert entries[1].event() == new


async def test_the_broker_is_told_how_long_to_keep_and_can_be_told_anew(
    archive: Stream, rabbit: Rabbit
) -> None:
    management = rabbit.management.replace("guest:guest@", "")
    for retention in (Retention(30, 500), Retention(20)):
        await tell_broker(management, archive.url, retention)
    await declare_topology(archive.url)  # which is not refused for it

    vhost = archive.url.rpartition("/")[2]
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{rabbit.management}/api/policies/{vhost}")
    (kept,) = answer.json()
    assert kept["definition"] == {"max-age": "20D"}
    with pytest.raises(ConfigurationError, match="answers 401"):
        await tell_broker(management, archive.url.replace("guest@", "wrong@"), Retention(20))
