"""Many events out of an archive into the broker: a batch in flight at once, each confirmed."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import aio_pika
import aiormq
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import DeliveryError, PublishError

from shared.broker import CONFIRM_SECONDS, CONNECT_SECONDS, with_heartbeat
from shared.channels import lost_is_a_fault
from shared.errors import Away
from shared.events import CONTENT_TYPE
from shared.placing import AWAY

BATCH = 500
"""Events in flight at once: more are no faster."""
WAVE_BYTES = 32_000_000
"""Of these, so many bytes at most: nobody waits for the socket, so it holds them all."""


@dataclass(frozen=True, slots=True)
class Onward:
    """An event to be published: to which routing key (on the default exchange, which queue)."""

    routing_key: str
    event_id: str
    type: str
    body: bytes
    headers: Mapping[str, Any] = field(default_factory=dict)


@asynccontextmanager
async def opened_channel(url: str) -> AsyncIterator[AbstractChannel]:
    """A channel of a connection of its own, on which what no queue takes is an error.

    Raises:
        Away: the broker cannot be reached.
    """
    with away():
        connection = await aio_pika.connect(with_heartbeat(url), timeout=CONNECT_SECONDS)
    async with connection:
        yield await connection.channel(publisher_confirms=True, on_return_raises=True)


async def publish_all(
    channel: AbstractChannel, exchange: str, batch: Sequence[Onward]
) -> list[Exception | None]:
    """Publish a batch, in order; for each event None once it is safe, or why it was refused.

    A full queue refuses an event (`DeliveryError`), and one that no queue takes is `PublishError`.
    By aiormq itself: aio_pika's layer over it costs a fifth of the speed. What is returned is told
    apart by its id alone, so one id is in flight once: a second one waits for the first.

    Raises:
        Away: the broker went away; which of the batch are safe is not known.
    """
    results: list[Exception | None] = [None] * len(batch)
    for wave in waves(batch):
        with away():
            under = cast("aiormq.Channel", await channel.get_underlay_channel())
            # One time-out for all of them: one for each costs a fifth of the speed.
            with lost_is_a_fault():
                async with asyncio.timeout(CONFIRM_SECONDS):
                    faults = await asyncio.gather(
                        *(_publish(under, exchange, batch[place]) for place in wave)
                    )
        for place, fault in zip(wave, faults, strict=True):
            results[place] = fault
    return results


def waves(batch: Sequence[Onward]) -> list[list[int]]:
    """Places of the batch, in order, such that no id comes twice in a wave, and few bytes do."""
    waves: list[list[int]] = []
    ids: set[str] = set()
    size = 0
    for place, event in enumerate(batch):
        size += len(event.body)
        if not waves or event.event_id in ids or size > WAVE_BYTES:
            waves.append([])
            ids, size = set(), len(event.body)
        waves[-1].append(place)
        ids.add(event.event_id)
    return waves


async def _publish(under: aiormq.Channel, exchange: str, event: Onward) -> Exception | None:
    properties = aiormq.spec.Basic.Properties(
        content_type=CONTENT_TYPE,
        headers=dict(event.headers),
        delivery_mode=2,
        message_id=event.event_id,
        message_type=event.type,
    )
    try:
        await under.basic_publish(
            event.body,
            exchange=exchange,
            routing_key=event.routing_key,
            properties=properties,
            mandatory=True,
            wait=False,  # for the socket: it is waited for the confirm
        )
    except (PublishError, DeliveryError) as refused:
        return refused
    return None


@contextmanager
def away() -> Iterator[None]:
    """Within it, a broker that cannot be reached is `Away`."""
    try:
        yield
    except AWAY as error:
        raise Away(f"broker: {type(error).__name__} while publishing") from error
