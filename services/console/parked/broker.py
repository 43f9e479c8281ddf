"""Parking at RabbitMQ: read without consuming, and settled message by message."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from services.console.parked.choose import consumers
from services.console.parked.hand import Window, in_hand
from services.console.parked.message import Parked, Whole, origin, read
from services.console.parked.record import Order, outgoing, resolved
from services.console.parked.travel import as_named, travelling
from shared import topology
from shared.broker import CONFIRM_SECONDS, declare_topology
from shared.clock import Clock
from shared.errors import Away, Retryable
from shared.events import CONTENT_TYPE, decode
from shared.placing import AWAY

Fault = BaseException | None
Headers = dict[str, Any]


@dataclass(frozen=True)
class BrokerParking:
    """The parking of a deployment; see `services.console.parked.parking`."""

    url: str = field(repr=False)
    clock: Clock

    async def look(self, queue: str | None = None) -> list[Parked]:
        """What is parked, of all consumers or of one.

        Raises:
            Retryable: the broker is away, or another console has it in hand.
        """
        found: list[Parked] = []
        for name in consumers(queue):
            async with _faults(), in_hand(self.url, name) as hand:
                async for window in hand.windows():
                    found += [_read(name, message) for message in window]
        return found

    async def whole(self, key: tuple[str, str]) -> list[Whole]:
        """The message of that key with all of its copies. Raises what `look` raises."""
        found: list[Whole] = []
        async with _faults(), in_hand(self.url, key[0]) as hand:
            async for window in hand.windows():
                found += [_whole(key[0], one) for one in window if _read(key[0], one).key == key]
        return found

    async def settle(self, order: Order) -> int:
        """Do what was ordered; how many messages left the parking.

        Copies are confirmed, then it is put on record, then the messages are acknowledged: killed
        in between they are still parked, and what goes twice is known to its consumer's inbox.

        Raises:
            Retryable: the broker is away or did not take a message; that one is still parked.
        """
        await declare_topology(self.url)
        gone = 0
        for name in sorted({consumer for consumer, _ in order.keys}):
            async with _faults(), in_hand(self.url, name) as hand:
                publishing = await hand.connection.channel(on_return_raises=True)
                async for window in hand.windows():
                    meant = [one for one in window if _read(name, one).key in order.keys]
                    safe, fault = await self._safe(publishing, name, meant, order)
                    await hand.ack(safe)
                    gone += len(safe)
                    _raise_not_taken(name, fault)
        return gone

    async def _safe(
        self, publishing: AbstractChannel, name: str, meant: Window, order: Order
    ) -> tuple[Window, Fault]:
        """Those that may leave, on record, and what was wrong with another."""
        safe, fault = await _sent(publishing, name, meant, order)
        if safe:
            gone = [_read(name, one) for one in safe]
            event = outgoing(resolved(order, name, gone, self.clock()))
            told = _message(event.body, event.event_id, event.type)
            await _publish(publishing, topology.ARCHIVE_EXCHANGE, event.routing_key, told)
        return safe, fault


@asynccontextmanager
async def _faults() -> AsyncIterator[None]:
    try:
        yield
    except AWAY as error:
        raise Away(
            f"broker: {type(error).__name__} with parked messages in hand: they are back in their "
            "parking; try again"
        ) from error


def _raise_not_taken(name: str, fault: Fault) -> None:
    if fault is not None:
        raise Retryable(
            f"broker: {type(fault).__name__} at the queue {name}: what it has not taken is still "
            "parked; try again"
        ) from fault


async def _sent(
    publishing: AbstractChannel, name: str, meant: Window, order: Order
) -> tuple[Window, Fault]:
    """Those of which a copy is safe where it belongs."""
    if order.resolution == "discarded" or not meant:
        return meant, None
    if order.body is not None:
        await _edited(publishing, name, meant[0], order.body)
        return meant, None
    safe: Window = []
    for batch in _one_of_each_id(meant):
        copies = (_publish(publishing, "", name, _copy(one)) for one in batch)
        results = await asyncio.gather(*copies, return_exceptions=True)
        safe += [one for one, result in zip(batch, results, strict=True) if result is None]
        faults = [result for result in results if result is not None]
        if faults:
            return safe, faults[0]
    return safe, None


async def _edited(
    publishing: AbstractChannel, name: str, message: AbstractIncomingMessage, body: bytes
) -> None:
    """The archive gets it as well: what a consumer is told can be replayed.

    Not what a replay brought: it has the id of the live event, whose place there it would take.
    """
    event = decode(body)
    headers = travelling(message.headers, origin(message.headers))
    sent = _message(body, event.id, event.type)
    if event.replayid is None:
        await _publish(publishing, topology.ARCHIVE_EXCHANGE, event.ROUTING_KEY, sent)
    await _publish(publishing, "", name, _message(body, event.id, event.type, headers))


def _one_of_each_id(messages: Sequence[AbstractIncomingMessage]) -> Iterator[Window]:
    """Batches: aiormq tells the wrong one of two publishes of one id that it came back."""
    left = list(messages)
    while left:
        batch = list({message.message_id: message for message in reversed(left)}.values())[::-1]
        yield batch
        taken = {id(message) for message in batch}
        left = [message for message in left if id(message) not in taken]


async def _publish(
    channel: AbstractChannel, exchange: str, routing_key: str, message: aio_pika.Message
) -> None:
    async with asyncio.timeout(CONFIRM_SECONDS):
        target = await channel.get_exchange(exchange, ensure=False)
        await target.publish(message, routing_key, mandatory=True)


def _message(
    body: bytes, event_id: str | None, kind: str | None, headers: Headers | None = None
) -> aio_pika.Message:
    return aio_pika.Message(
        body,
        headers=headers,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=event_id,
        type=kind,
        content_type=CONTENT_TYPE,
    )


def _copy(message: AbstractIncomingMessage) -> aio_pika.Message:
    """As it came to its consumer; what expires, and who is to be answered, stays behind."""
    return aio_pika.Message(
        bytes(message.body),
        headers=travelling(message.headers, origin(message.headers)),
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=as_named(message.message_id),
        type=message.type,
        app_id=message.app_id,
        correlation_id=message.correlation_id,
        timestamp=message.timestamp,
        content_type=message.content_type,
        content_encoding=message.content_encoding,
    )


def _read(name: str, message: AbstractIncomingMessage) -> Parked:
    return read(name, bytes(message.body), message.message_id, message.headers)


def _whole(name: str, message: AbstractIncomingMessage) -> Whole:
    headers = message.headers
    trace = str(headers.get("carillon-traceback", ""))
    return Whole(_read(name, message), bytes(message.body), headers, trace, origin(headers))
