"""Events over RabbitMQ: the topology declared, publishes confirmed, messages given to handlers.

Tried on running brokers (RabbitMQ 4.0): an exchange that a dead-letter argument names but nobody
declared loses messages; an unroutable publish "succeeds" unless returns raise; so everything is
declared before anything is published, and every publish is mandatory and confirmed.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import aio_pika
import structlog
from aio_pika.exceptions import DeliveryError, PublishError
from aiormq.exceptions import ChannelAccessRefused
from faststream import AckPolicy
from faststream.message import StreamMessage
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitQueue

from shared import topology, tracing
from shared.channels import Opened, lost_is_a_fault, own_channel
from shared.clock import Clock
from shared.declaring import declare_all
from shared.errors import Away, Forbidden, Permanent
from shared.events import CONTENT_TYPE
from shared.outbox import Outgoing, Publish
from shared.placing import AWAY, LONGEST_SECONDS, Copy, Handle, Place
from shared.topology import ConsumerQueue
from shared.urls import check_url

log = structlog.get_logger(__name__)

PREFETCH = 20
"""Messages in hand at once; fewer than the database has connections, so that none waits in vain."""
GRACE_SECONDS = 15.0
"""How long handlers in flight may take to finish at shutdown."""
HEARTBEAT_SECONDS = 8
"""Between heartbeats: a connection that is silent for three of them (and 3 s) is given up.

See https://www.rabbitmq.com/docs/heartbeats#heartbeats-timeout for what is too little.
"""
CONNECT_SECONDS = 10.0
RECONNECT_SECONDS = 2.0
CONFIRM_SECONDS = 30.0

DECLARE_SECONDS = 30.0
BLOCKED = "broker: blocked by its memory or disk alarm"

LARGEST = 16_000_000
"""Bytes of a message: RabbitMQ 4 closes the channel on more than 16 MiB (`max_message_size`)."""


def make_broker(url: str) -> RabbitBroker:
    """A broker on which an unroutable publish raises; not connected yet.

    A `heartbeat` in the URL, in seconds, is preferred to ours.
    """
    return RabbitBroker(
        with_heartbeat(url),
        default_channel=Channel(on_return_raises=True),
        ack_policy=AckPolicy.REJECT_ON_ERROR,
        apply_types=False,
        graceful_timeout=GRACE_SECONDS,
        logger=None,
        timeout=CONNECT_SECONDS,
        reconnect_interval=RECONNECT_SECONDS,
    )


def with_heartbeat(url: str) -> str:
    """The URL with our heartbeat, unless it names one: aiormq's own takes three minutes to tell.

    Raises:
        ConfigurationError: it is no URL of a broker.
    """
    check_url(url, ("amqp", "amqps"), "amqp://USER:PASSWORD@HOST:PORT/")
    query = urlsplit(url).query
    if "heartbeat=" in query:
        return url
    return f"{url}{'&' if query else '?'}heartbeat={HEARTBEAT_SECONDS}"


async def begin(broker: RabbitBroker) -> None:
    """Connect, and consume what was asked for.

    Raises:
        Away: the broker cannot be reached, or a queue is not there.
    """
    try:
        await broker.start()
    except AWAY as error:
        raise Away(f"broker: {type(error).__name__} while connecting") from error


async def blocked(broker: RabbitBroker) -> bool:
    """Whether the broker takes no publishes of a started connection: its memory or disk alarm.

    It is told to connections that have published (https://www.rabbitmq.com/docs/connection-blocked).
    """
    connection = await broker.connect()
    if connection.transport is None or not connection.connected.is_set():
        return False
    try:
        async with asyncio.timeout(0.05):
            await connection.transport.connection.ready()
    except TimeoutError:
        return connection.connected.is_set()
    return False


async def declare_topology(url: str) -> None:
    """Declare every exchange, queue and binding; what is there already stays.

    Raises:
        Forbidden: this account may not declare.
        Away: the broker cannot be reached.
    """
    try:
        async with asyncio.timeout(DECLARE_SECONDS):
            connection = await aio_pika.connect(with_heartbeat(url), timeout=CONNECT_SECONDS)
            async with connection:
                await declare_all(await connection.channel())
    except ChannelAccessRefused as error:
        raise Forbidden("broker: this account may not declare the topology") from error
    except AWAY as error:
        raise Away(f"broker: {type(error).__name__} while declaring the topology") from error


def publisher(broker: RabbitBroker) -> Publish:
    """The carrier's side of the outbox: a batch in flight at once, each event confirmed.

    An event is safe when its consumers' exchange has it, where a consumer is to get it, and the
    archive's. While the broker blocks publishing nothing is begun, and nothing is waited for.
    """
    channel = own_channel(broker)

    async def publish(batch: Sequence[Outgoing]) -> list[Exception | None]:
        if await blocked(broker):
            raise Away(BLOCKED)
        sent = asyncio.gather(*(_send(channel, event) for event in batch), return_exceptions=True)
        return [_fault(result) for result in await _unless_blocked(broker, sent)]

    return publish


async def _send(channel: Opened, event: Outgoing) -> None:
    if len(event.body) > LARGEST:
        raise Permanent(f"event {event.event_id} has {len(event.body)} bytes: over the limit")
    exchanges = [topology.EXCHANGE] if topology.wanted(event.routing_key) else []
    if topology.archived(event.routing_key) or not exchanges:
        exchanges.append(topology.ARCHIVE_EXCHANGE)
    about = {"event_id": event.event_id, "routing_key": event.routing_key}
    with tracing.span_of(f"publish {event.routing_key}", "producer", event.body, **about):
        for exchange in exchanges:
            await _send_to(channel, exchange, event)


async def _send_to(channel: Opened, name: str, event: Outgoing) -> None:
    message = aio_pika.Message(
        event.body,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=event.event_id,
        type=event.type,
        content_type=CONTENT_TYPE,
    )
    with lost_is_a_fault():
        async with asyncio.timeout(CONFIRM_SECONDS):
            exchange = await (await channel()).get_exchange(name, ensure=False)
            await exchange.publish(message, event.routing_key, mandatory=True)


async def _unless_blocked(broker: RabbitBroker, sent: "asyncio.Future[list[Any]]") -> list[Any]:
    """What was sent came to; given up as soon as the broker blocks: it may confirm hours later.

    What the broker takes of it later comes twice, and the consumers' inboxes know it.
    """
    while not (await asyncio.wait({sent}, timeout=0.25))[0]:
        if await blocked(broker):
            sent.cancel()
            await asyncio.gather(sent, return_exceptions=True)  # so that its end is not unheard
            raise Away(BLOCKED)
    return sent.result()


def _fault(result: object) -> Exception | None:
    """What one publish came to; a broker that is away concerns the whole batch."""
    if isinstance(result, PublishError | DeliveryError):
        return result
    if isinstance(result, AWAY):
        raise Away(f"broker: {type(result).__name__} while publishing") from result
    if isinstance(result, Exception):
        return result
    if isinstance(result, BaseException):
        raise result
    return None


def consume(
    broker: RabbitBroker,
    queue: ConsumerQueue,
    handle: Handle,
    clock: Clock,
    publishing: RabbitBroker | None = None,
    longest: float = LONGEST_SECONDS,
) -> None:
    """Give the messages of a queue to a handler: done, retried later, or parked with the reason.

    What is not done in `longest` seconds is retried later, as if an engine were away. Copies go out
    by the connection `publishing`: one that publishes is blocked as a whole by an alarm of the
    broker, acknowledgements too, so consumers have one for themselves.
    """
    copy = _copier(publishing or broker, queue.own_exchange)
    for name, prefetch in ((queue.name, PREFETCH), (queue.suspects, 1)):
        subscriber = broker.subscriber(
            RabbitQueue(name, queue_type=QueueType.QUORUM, durable=True, declare=False),
            channel=Channel(prefetch_count=prefetch),
            ack_policy=AckPolicy.REJECT_ON_ERROR,
            decoder=_whole,
            no_reply=True,
        )
        running = partial(getattr, subscriber, "running")
        place = Place(queue, handle, copy, clock, running, longest)
        subscriber(place.of_work if name == queue.name else place.of_suspects)


async def _whole(message: StreamMessage[Any]) -> StreamMessage[Any]:
    """The handler gets the message as it came: FastStream would guess at its body."""
    return message


def _copier(broker: RabbitBroker, exchange_name: str) -> Copy:
    """Copies go one by one, on a channel of their own, by the consumer's own exchange.

    aiormq finds what a returned message belongs to by its id alone: of two publishes of one id on
    one channel the wrong one may be told, and a copy that no queue took would count as safe.
    """
    turn, channel = asyncio.Lock(), own_channel(broker)

    async def copy(target: str, message: StreamMessage[Any], headers: dict[str, Any]) -> None:
        async with turn:
            with lost_is_a_fault():
                async with asyncio.timeout(CONFIRM_SECONDS):
                    exchange = await (await channel()).get_exchange(exchange_name, ensure=False)
                    await exchange.publish(_copied(message, headers), target, mandatory=True)

    return copy


def _copied(message: StreamMessage[Any], headers: dict[str, Any]) -> aio_pika.Message:
    return aio_pika.Message(
        bytes(message.body),
        headers=headers,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=message.message_id,
        type=message.raw_message.type,
        content_type=message.content_type,
    )
