"""Replayed events into consumers' queues at RabbitMQ, and the audit event into the archive."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import PublishError
from aiormq.exceptions import ChannelNotFoundEntity

from services.console.archive.publishing import Onward, away, opened_channel, publish_all
from services.console.replay.sending import Sending
from shared import topology
from shared.broker import CONFIRM_SECONDS
from shared.errors import Away, Permanent
from shared.outbox import Outgoing

DEFAULT_EXCHANGE = ""
"""Delivers to the queue of that name alone: no other consumer gets it, nor the archive again."""


class Carrier(Protocol):
    """Takes events to where they are consumed."""

    async def send(self, batch: Sequence[Sending]) -> None:
        """Put a batch into its queues, in order; all of it is safe on return.

        Raises:
            Away: it cannot be told which of it are safe. All of it may be sent again.
            Permanent: a queue is not there.
        """

    async def waiting(self) -> int:
        """How many messages wait in the longest of the consumers' queues. Raises as `send`."""

    async def tell(self, event: Outgoing) -> None:
        """Publish an event of the console's own, so that it is archived. Raises as `send`."""


@dataclass(frozen=True)
class BrokerCarrier:
    """RabbitMQ, on one channel; see `Carrier`."""

    channel: AbstractChannel

    async def send(self, batch: Sequence[Sending]) -> None:
        """See `Carrier`."""
        onward = [Onward(one.consumer, one.event_id, one.type, one.body) for one in batch]
        await self._publish(DEFAULT_EXCHANGE, onward)

    async def waiting(self) -> int:
        """See `Carrier`."""
        most = 0
        for queue in topology.CONSUMERS:
            with away():
                try:
                    found = await self.channel.declare_queue(
                        queue.name, passive=True, timeout=CONFIRM_SECONDS
                    )
                except ChannelNotFoundEntity as fault:
                    raise Permanent(_missing(queue.name)) from fault
            most = max(most, found.declaration_result.message_count or 0)
        return most

    async def tell(self, event: Outgoing) -> None:
        """See `Carrier`."""
        onward = Onward(event.routing_key, event.event_id, event.type, event.body)
        if topology.wanted(event.routing_key):
            await self._publish(topology.EXCHANGE, [onward])
        await self._publish(topology.ARCHIVE_EXCHANGE, [onward])

    async def _publish(self, exchange: str, onward: Sequence[Onward]) -> None:
        faults = await publish_all(self.channel, exchange, onward)
        for one, fault in zip(onward, faults, strict=True):
            if isinstance(fault, PublishError):
                raise Permanent(_missing(one.routing_key)) from fault
            if fault is not None:
                raise Away(f"the queue of {one.routing_key} takes no more at the moment")


def _missing(queue: str) -> str:
    return f"no queue takes {queue}: is it there? `carillon migrate` makes it"


@asynccontextmanager
async def broker_carrier(url: str) -> AsyncIterator[Carrier]:
    """A carrier on a connection of its own.

    Raises:
        Away: the broker cannot be reached.
    """
    async with opened_channel(url) as channel:
        yield BrokerCarrier(channel)
