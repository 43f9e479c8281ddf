"""Events over RabbitMQ: the topology declared, publishes confirmed, failures given their place.

Tried on running brokers (RabbitMQ 4.0): an exchange that a dead-letter argument names but nobody
declared loses messages; an unroutable publish "succeeds" unless returns raise; so everything is
declared before anything is published, and every publish is mandatory and confirmed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractExchange
from aio_pika.exceptions import AMQPError, DeliveryError, PublishError
from aiormq.exceptions import AMQPError as LowLevelAMQPError
from aiormq.exceptions import ChannelInvalidStateError
from faststream import AckPolicy, BaseMiddleware
from faststream.exceptions import IncorrectState
from faststream.message import StreamMessage
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitExchange, RabbitQueue

from shared import topology
from shared.clock import Clock
from shared.errors import Permanent, Retryable
from shared.events import CONTENT_TYPE
from shared.outbox import Outgoing, Publish
from shared.outcome import Retry, after_failure
from shared.topology import ConsumerQueue

log = structlog.get_logger(__name__)

Handle = Callable[[bytes], Awaitable[None]]
"""A service's handler: one event in, its effect committed when it returns."""

PREFETCH = 20
"""Messages in hand at once; fewer than the database has connections, so that none waits in vain."""
GRACE_SECONDS = 15.0
"""How long handlers in flight may take to finish at shutdown."""

LARGEST = 16_000_000
"""Bytes of a message: RabbitMQ 4 closes the channel on more than 16 MiB (`max_message_size`)."""

AWAY = (ConnectionError, TimeoutError, OSError, ChannelInvalidStateError, IncorrectState)
"""How a broker that is away, restarting or reconnecting shows itself to a publisher."""


def make_broker(url: str) -> RabbitBroker:
    """A broker on which an unroutable publish raises; not connected yet."""
    return RabbitBroker(
        url,
        default_channel=Channel(prefetch_count=PREFETCH, on_return_raises=True),
        ack_policy=AckPolicy.REJECT_ON_ERROR,
        apply_types=False,
        graceful_timeout=GRACE_SECONDS,
        logger=None,
    )


async def declare_topology(url: str) -> None:
    """Declare every exchange, queue and binding; what is there already stays.

    Raises:
        Retryable: the broker cannot be reached.
    """
    try:
        connection = await aio_pika.connect(url, timeout=10)
        async with connection:
            await _declare(await connection.channel())
    except (*AWAY, LowLevelAMQPError) as error:
        raise Retryable(f"broker: {type(error).__name__} while declaring the topology") from error


async def _declare(channel: AbstractChannel) -> None:
    events = await channel.declare_exchange(topology.EXCHANGE, "topic", durable=True)
    archive = await channel.declare_queue(
        topology.ARCHIVE, durable=True, arguments=dict(topology.ARCHIVE_ARGUMENTS)
    )
    for key in topology.ARCHIVE_BINDINGS:
        await archive.bind(events, key)
    for queue in topology.CONSUMERS:
        await _declare_consumer(channel, events, queue)


async def _declare_consumer(
    channel: AbstractChannel, events: AbstractExchange, queue: ConsumerQueue
) -> None:
    dead = await channel.declare_exchange(queue.dead_exchange, "direct", durable=True)
    parked = await channel.declare_queue(
        queue.parked, durable=True, arguments=dict(topology.PARKED_ARGUMENTS)
    )
    await parked.bind(dead, queue.parked)
    for attempt, delay in enumerate(topology.RETRY_DELAYS, start=1):
        await channel.declare_queue(
            queue.retry(attempt),
            durable=True,
            arguments=dict(topology.retry_arguments(queue, delay)),
        )
    work = await channel.declare_queue(
        queue.name, durable=True, arguments=dict(topology.work_arguments(queue))
    )
    for key in queue.bindings:
        await work.bind(events, key)


def publisher(broker: RabbitBroker) -> Publish:
    """The carrier's side of the outbox: a batch in flight at once, each event confirmed."""
    exchange = RabbitExchange(topology.EXCHANGE, declare=False)

    async def one(event: Outgoing) -> None:
        if len(event.body) > LARGEST:
            raise Permanent(f"event {event.event_id} has {len(event.body)} bytes: over the limit")
        await broker.publish(
            event.body,
            exchange=exchange,
            routing_key=event.routing_key,
            persist=True,
            message_id=event.event_id,
            message_type=event.type,
            content_type=CONTENT_TYPE,
            timeout=30,
        )

    async def publish(batch: Sequence[Outgoing]) -> list[Exception | None]:
        results = await asyncio.gather(*map(one, batch), return_exceptions=True)
        return [_fault(result) for result in results]

    return publish


def _fault(result: object) -> Exception | None:
    """What one publish came to; a broker that is away concerns the whole batch."""
    if isinstance(result, PublishError | DeliveryError):
        return result
    if isinstance(result, (*AWAY, AMQPError, LowLevelAMQPError)):
        raise Retryable(f"broker: {type(result).__name__} while publishing") from result
    if isinstance(result, Exception):
        return result
    if isinstance(result, BaseException):
        raise result
    return None


def consume(broker: RabbitBroker, queue: ConsumerQueue, handle: Handle, clock: Clock) -> None:
    """Give the messages of a queue to a handler: done, retried later, or parked with the reason."""
    broker.add_middleware(_failures_get_their_place(broker, queue, clock))

    async def undecoded(message: StreamMessage[Any]) -> bytes:
        return bytes(message.body)

    subscriber = broker.subscriber(
        RabbitQueue(queue.name, queue_type=QueueType.QUORUM, durable=True, declare=False),
        ack_policy=AckPolicy.REJECT_ON_ERROR,
        decoder=undecoded,
        no_reply=True,
    )
    subscriber(handle)


def _failures_get_their_place(
    broker: RabbitBroker, queue: ConsumerQueue, clock: Clock
) -> type[BaseMiddleware[Any, Any]]:
    class FailuresGetTheirPlace(BaseMiddleware[Any, Any]):
        async def consume_scope(
            self, call_next: Callable[[Any], Awaitable[Any]], msg: StreamMessage[Any]
        ) -> Any:
            try:
                return await call_next(msg)
            except Exception as error:  # noqa: BLE001  every fault gets its place here
                await _place(broker, queue, msg, error, clock())
                return None

    return FailuresGetTheirPlace


async def _place(
    broker: RabbitBroker,
    queue: ConsumerQueue,
    message: StreamMessage[Any],
    error: Exception,
    now: datetime,
) -> None:
    """Put a copy where it belongs, confirmed; the original is acknowledged after that."""
    attempt = int(message.headers.get("carillon-attempt", 0)) + 1
    outcome = after_failure(error, attempt, topology.RETRY_DELAYS)
    headers = _carried_headers(message, attempt, now)
    if isinstance(outcome, Retry):
        log.warning(
            "message_will_be_retried",
            queue=queue.name,
            event_id=message.message_id,
            attempt=attempt,
            seconds=outcome.delay.total_seconds(),
            reason=str(error),
        )
        await _copy(broker, queue.retry(outcome.step), message, headers)
        return
    log.error(
        "message_parked",
        queue=queue.name,
        event_id=message.message_id,
        attempt=attempt,
        reason=outcome.reason,
        error=outcome.error,
    )
    headers |= {
        "carillon-reason": outcome.reason,
        "carillon-error": outcome.error[:1_000],
        "carillon-traceback": outcome.traceback,
        "carillon-parked-at": now.isoformat(),
    }
    await _copy(broker, queue.parked, message, headers)


def _carried_headers(message: StreamMessage[Any], attempt: int, now: datetime) -> dict[str, Any]:
    """Our own account of attempts: `x-death` does not grow when a client republishes."""
    raw = message.raw_message
    return {
        "carillon-first-failed-at": now.isoformat(),
        "carillon-origin-exchange": raw.exchange or "",
        "carillon-origin-routing-key": raw.routing_key or "",
        **{key: value for key, value in message.headers.items() if key.startswith("carillon-")},
        "carillon-attempt": attempt,
    }


async def _copy(
    broker: RabbitBroker, target: str, message: StreamMessage[Any], headers: dict[str, Any]
) -> None:
    await broker.publish(
        bytes(message.body),
        queue=target,
        persist=True,
        headers=headers,
        message_id=message.message_id,
        message_type=message.raw_message.type,
        content_type=message.content_type,
        timeout=30,
    )
