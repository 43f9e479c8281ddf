"""What RabbitMQ really does with our topology, messages and failures."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aio_pika
import pytest
from aio_pika.exceptions import PublishError
from faststream.rabbit import RabbitBroker

from shared import topology
from shared.broker import consume, declare_topology, make_broker, publisher
from shared.errors import Permanent, Retryable
from shared.outbox import Outgoing
from shared.placing import Handle
from shared.topology import CLASSIFIER, CONSUMERS
from tests.builders import NOON, discovered
from tests.eventually import eventually
from tests.fakes import FakeClock
from tests.parts import Rabbit

pytestmark = [pytest.mark.connected, pytest.mark.timeout(180)]

Start = Callable[[Handle], Awaitable[RabbitBroker]]


@pytest.fixture
async def start(amqp_url: str) -> AsyncIterator[Start]:
    """Starts a classifier with the given handler on a fresh, fully declared virtual host."""
    await declare_topology(amqp_url)
    started: list[RabbitBroker] = []

    async def with_handler(handle: Handle) -> RabbitBroker:
        broker = make_broker(amqp_url)
        consume(broker, CLASSIFIER, handle, FakeClock(NOON))
        await broker.start()
        started.append(broker)
        return broker

    yield with_handler
    for broker in started:
        await broker.stop()


def _outgoing(event_id: str = "e1", key: str = "article.discovered") -> Outgoing:
    event = discovered()
    return Outgoing(event_id, event.type, key, event.encode())


async def _get(url: str, queue: str) -> aio_pika.abc.AbstractIncomingMessage | None:
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        found = await channel.declare_queue(queue, passive=True)
        message = await found.get(fail=False)
        if message:
            await message.ack()
        return message


async def _archived(url: str, count: int) -> list[str | None]:
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=10)
        stream = await channel.declare_queue(topology.ARCHIVE, passive=True)
        ids: list[str | None] = []
        async with stream.iterator(arguments={"x-stream-offset": "first"}, timeout=10) as messages:
            async for message in messages:
                await message.ack()
                ids.append(message.message_id)
                if len(ids) == count:
                    return ids
    return ids


async def test_the_topology_can_be_declared_again_and_every_queue_is_there(amqp_url: str) -> None:
    await declare_topology(amqp_url)
    await declare_topology(amqp_url)

    connection = await aio_pika.connect(amqp_url)
    async with connection:
        channel = await connection.channel()
        for consumer in CONSUMERS:
            for name in (consumer.name, consumer.parked, consumer.retry(1)):
                await channel.declare_queue(name, passive=True)


async def test_an_event_arrives_whole_and_is_archived(start: Start, amqp_url: str) -> None:
    got: list[bytes] = []

    async def handle(body: bytes) -> None:
        got.append(body)

    broker = await start(handle)
    assert await publisher(broker)([_outgoing()]) == [None]

    await eventually(lambda: got == [discovered().encode()])
    assert await _archived(amqp_url, 1) == ["e1"]


async def test_an_event_that_nobody_wants_is_an_error(start: Start) -> None:
    async def handle(_body: bytes) -> None: ...

    broker = await start(handle)
    good, bad = await publisher(broker)([_outgoing(), _outgoing("e2", "nothing.happened")])

    assert good is None
    assert isinstance(bad, PublishError)


async def test_a_passing_fault_is_retried_later_and_then_done(start: Start, amqp_url: str) -> None:
    tries: list[int] = []

    async def handle(_body: bytes) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise Retryable("database away")

    broker = await start(handle)
    await publisher(broker)([_outgoing()])

    await eventually(lambda: len(tries) == 2, within=15)
    assert await _get(amqp_url, CLASSIFIER.parked) is None


@pytest.mark.parametrize(
    ("error", "reason"), [(Permanent("no such topic"), "permanent"), (KeyError("x"), "bug")]
)
async def test_what_will_fail_again_is_parked_at_once_with_the_reason(
    start: Start, amqp_url: str, error: Exception, reason: str
) -> None:
    async def handle(_body: bytes) -> None:
        raise error

    broker = await start(handle)
    await publisher(broker)([_outgoing()])

    headers = (await _parked(amqp_url)).headers
    assert headers["carillon-reason"] == reason
    assert headers["carillon-attempt"] == 1
    assert headers["carillon-origin-exchange"] == topology.EXCHANGE
    assert headers["carillon-origin-routing-key"] == "article.discovered"
    assert headers["carillon-first-failed-at"] == NOON.isoformat()
    assert "Traceback" in str(headers["carillon-traceback"])


async def _parked(url: str) -> aio_pika.abc.AbstractIncomingMessage:
    found: list[Any] = []

    async def look() -> bool:
        message = await _get(url, CLASSIFIER.parked)
        found.extend([message] if message else [])
        return bool(found)

    await eventually(look)
    return found[0]  # type: ignore[no-any-return]


async def test_what_the_broker_rejects_itself_is_parked_too(amqp_url: str) -> None:
    await declare_topology(amqp_url)
    connection = await aio_pika.connect(amqp_url)
    async with connection:
        channel = await connection.channel()
        await channel.default_exchange.publish(aio_pika.Message(b"x"), CLASSIFIER.name)
        queue = await channel.declare_queue(CLASSIFIER.name, passive=True)
        message = await queue.get(timeout=5)
        assert message is not None
        await message.reject(requeue=False)

    assert (await _parked(amqp_url)).body == b"x"


async def test_an_event_too_large_for_the_broker_does_not_hold_up_the_others(start: Start) -> None:
    got: list[bytes] = []

    async def handle(body: bytes) -> None:
        got.append(body)

    broker = await start(handle)
    large = Outgoing("large", "x", "article.discovered", b"x" * 17_000_000)
    fault, fine = await publisher(broker)([large, _outgoing()])

    assert isinstance(fault, Permanent)
    assert fine is None
    await eventually(lambda: len(got) == 1)


async def test_while_the_broker_is_away_publishing_is_a_fault_that_may_pass(
    start: Start, rabbit: Rabbit
) -> None:
    got: list[bytes] = []

    async def handle(body: bytes) -> None:
        got.append(body)

    broker = await start(handle)
    publish, connection = publisher(broker), await broker.connect()
    rabbit.stop()
    try:
        with pytest.raises(Retryable):
            await publish([_outgoing()])
        # While it tries to connect again, there is nothing that a channel could be opened on.
        await eventually(lambda: connection.transport is None, within=30)
        with pytest.raises(Retryable):
            await publish([_outgoing()])
    finally:
        rabbit.start()

    async def published() -> bool:
        try:
            return await publish([_outgoing()]) == [None]
        except Retryable:
            return False

    await eventually(published, within=60)
    await eventually(lambda: len(got) >= 1, within=30)


async def test_a_broker_that_cannot_be_reached_is_a_fault_that_may_pass() -> None:
    with pytest.raises(Retryable, match="broker"):
        await asyncio.wait_for(declare_topology("amqp://guest:guest@127.0.0.1:1/"), 30)


def test_what_quorum_queues_keep_in_memory_fits_into_the_broker(rabbit: Rabbit) -> None:
    asked = ["rabbitmqctl", "eval", "application:get_env(ra, wal_max_size_bytes)."]
    code, output = rabbit.container.exec(asked)
    assert (code, output.decode().strip()) == (0, "{ok,64000000}")
