"""A message that kills its process, and what was in hand beside it."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aio_pika
import pytest

from shared.broker import PREFETCH, declare_topology, make_broker, publisher
from shared.outbox import Outgoing
from shared.topology import (
    CLASSIFIER,
    DELIVERY_LIMIT,
    EXCHANGE,
    KILLER_AFTER,
    SUSPECT_AFTER,
)
from tests.eventually import eventually
from tests.integration.victim import DEADLY

pytestmark = [pytest.mark.connected, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]


class Victim:
    """The process that dies, started again each time, as Docker does."""

    def __init__(self, url: str, file: Path) -> None:
        self.command = [sys.executable, "-m", "tests.integration.victim", url, str(file)]
        self.deaths = -1
        self.again()

    def again(self) -> None:
        self.deaths += 1
        self.process = subprocess.Popen(self.command, cwd=ROOT)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def victim(url: str, file: Path) -> Iterator[Victim]:
    one = Victim(url, file)
    yield one
    one.end()


async def _waiting(url: str, queue: str) -> int:
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        found = await channel.declare_queue(queue, passive=True)
        return found.declaration_result.message_count or 0


def _effects(file: Path) -> list[str]:
    with sqlite3.connect(file) as connection:
        return sorted(row[0] for row in connection.execute("SELECT event FROM effects"))


async def _publish(url: str, bodies: list[bytes]) -> None:
    broker = make_broker(url)
    await broker.start()
    events = [Outgoing(f"e{n}", "x", "article.discovered", body) for n, body in enumerate(bodies)]
    assert await publisher(broker)(events) == [None] * len(events)
    await broker.stop()


async def test_it_alone_is_parked_with_a_reason_and_all_beside_it_get_through(
    amqp_url: str, tmp_path: Path
) -> None:
    good = [f"good-{n:02}".encode() for n in range(50)]
    await declare_topology(amqp_url)
    await _publish(amqp_url, [*good[:10], DEADLY, *good[10:]])

    with victim(amqp_url, tmp_path / "effects.db") as one:

        async def parked() -> bool:
            if one.process.poll() is not None:
                one.again()
            return await _waiting(amqp_url, CLASSIFIER.parked) > 0

        await eventually(parked, within=120, pause=0.5)
        await eventually(lambda: len(_effects(tmp_path / "effects.db")) == 50, within=30)
        await eventually(lambda: _empty(amqp_url), within=30, pause=0.5)

    assert _effects(tmp_path / "effects.db") == [body.decode() for body in good]
    assert one.deaths == SUSPECT_AFTER + KILLER_AFTER
    assert await _waiting(amqp_url, CLASSIFIER.parked) == 1
    message = await _take(amqp_url, CLASSIFIER.parked)
    assert message.body == DEADLY
    assert message.headers["carillon-reason"] == "killer"
    assert message.headers["carillon-attempt"] == one.deaths
    assert message.headers["carillon-origin-exchange"] == EXCHANGE
    assert message.headers["carillon-origin-routing-key"] == "article.discovered"
    first, parked_at = (
        str(message.headers[f"carillon-{name}"]) for name in ("first-failed-at", "parked-at")
    )
    assert first < parked_at


async def _empty(url: str) -> bool:
    names = (CLASSIFIER.name, CLASSIFIER.suspects)
    return not any(await asyncio.gather(*(_waiting(url, name) for name in names)))


async def _take(url: str, queue: str) -> aio_pika.abc.AbstractIncomingMessage:
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        message = await (await channel.declare_queue(queue, passive=True)).get(timeout=5)
        assert message is not None
        await message.ack()
        return message


async def test_a_service_that_is_restarted_often_parks_nothing(
    amqp_url: str, tmp_path: Path
) -> None:
    """Each time with a full hand, and never further: all is handled in the end."""
    await declare_topology(amqp_url)
    await _publish(amqp_url, [f"good-{n:02}".encode() for n in range(30)])
    for _ in range(DELIVERY_LIMIT - 1):
        await _taken_and_dropped(amqp_url)

    with victim(amqp_url, tmp_path / "effects.db"):
        await eventually((tmp_path / "effects.db").exists, within=60)
        await eventually(lambda: _empty(amqp_url), within=60, pause=0.5)

    assert await _waiting(amqp_url, CLASSIFIER.parked) == 0
    assert len(_effects(tmp_path / "effects.db")) == 30


async def _taken_and_dropped(url: str) -> None:
    """Take as many messages as a service has in hand, and go without an answer."""
    connection = await aio_pika.connect(url)
    channel = await connection.channel()
    queue = await channel.declare_queue(CLASSIFIER.name, passive=True)
    for _ in range(PREFETCH):
        await queue.get(timeout=5)
    await connection.close()
