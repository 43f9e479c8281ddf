"""What is parked at the broker, and why: for the service's alarm, and for `carillon status`."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from prometheus_client import CollectorRegistry, Gauge

from shared.broker import with_heartbeat
from shared.errors import Away
from shared.placing import AWAY
from shared.topology import ConsumerQueue

log = structlog.get_logger(__name__)

LOOK_SECONDS = 20.0
SEEN = 50
"""Messages that are looked at for the oldest of them."""


@dataclass(frozen=True)
class Parked:
    """What a consumer has parked: how many messages, and of the oldest since when and why.

    `since` is None where the broker parked it by itself before RabbitMQ noted the time.
    """

    consumer: str
    count: int
    since: datetime | None
    reason: str
    error: str


async def parked_at(url: str, queue: ConsumerQueue, known: Parked | None = None) -> Parked | None:
    """What is parked for a consumer; None when nothing is. The messages stay where they are.

    While there are as many as was `known`, none is touched: one that is looked at goes to the end
    of its queue, whose log grows by it
    (https://www.rabbitmq.com/docs/quorum-queues#repeated-requeues).

    Raises:
        Away: the broker cannot be reached, the queue is not there, or a console has it in hand:
            what is not to be seen then is not gone.
    """
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            connection = await aio_pika.connect(with_heartbeat(url), timeout=LOOK_SECONDS / 2)
            async with connection:
                return await _look(await connection.channel(), queue, known)
    except AWAY as error:
        raise Away(f"broker: {type(error).__name__} while looking at {queue.parked}") from error


async def _look(
    channel: AbstractChannel, queue: ConsumerQueue, known: Parked | None
) -> Parked | None:
    found = await channel.declare_queue(queue.parked, passive=True)
    if found.declaration_result.consumer_count:
        raise Away(f"{queue.parked} is in hand of `carillon parked`: look again")
    count = found.declaration_result.message_count or 0
    if known and known.count == count:
        return known
    return Parked(queue.name, count, *await _oldest(found, min(count, SEEN))) if count else None


async def _oldest(queue: AbstractQueue, count: int) -> tuple[datetime | None, str, str]:
    """Of so many at the head: they are taken, and go back together in their order."""
    taken: list[AbstractIncomingMessage] = []
    while len(taken) < count and (message := await queue.get(fail=False)) is not None:
        taken.append(message)
    for message in taken:
        await message.nack(requeue=True)
    told = [why(message.headers) for message in taken]
    if not told:
        return None, "unknown", "it is in somebody's hand"
    return min(told, key=lambda one: one[0] or datetime.max.replace(tzinfo=UTC))


def why(headers: Mapping[str, Any]) -> tuple[datetime | None, str, str]:
    """Since when a message is parked, the reason, and the error.

    What the broker parks by itself (its delivery limit, the last resort) has no headers of ours:
    its own account is `x-death` (https://www.rabbitmq.com/docs/dlx#effects).
    """
    if "carillon-reason" in headers:
        since = instant(headers.get("carillon-parked-at"))
        return since, str(headers["carillon-reason"]), str(headers.get("carillon-error", ""))
    death = deaths(headers)[0]
    reason = str(death.get("reason", "unknown"))
    return instant(death.get("time")), reason, "parked by the broker itself"


def deaths(headers: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The broker's account, the latest first; one empty entry where there is none to be read."""
    account = headers.get("x-death")
    found = [one for one in account if isinstance(one, dict)] if isinstance(account, list) else []
    return found or [{}]


def instant(value: object) -> datetime | None:
    """A time from a header, in UTC where it names no zone; None for what is none."""
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


class ParkingWatch:
    """Looks at one consumer's parking: numbers for Prometheus, and a line in the log if it grew."""

    def __init__(self, url: str, queue: ConsumerQueue, registry: CollectorRegistry) -> None:
        self._url, self._queue = url, queue
        self._known: Parked | None = None
        self._count = Gauge(
            "carillon_parked_messages", "Messages parked for a person", ["consumer"],
            registry=registry,
        )  # fmt: skip
        self._since = Gauge(
            "carillon_parked_since_timestamp_seconds",
            "Since when the oldest is parked; 0 if none is", ["consumer"], registry=registry,
        )  # fmt: skip

    async def look(self) -> None:
        """Look once.

        Raises:
            Away: the broker cannot be reached.
        """
        parked = await parked_at(self._url, self._queue, self._known)
        count = parked.count if parked else 0
        since = parked.since.timestamp() if parked and parked.since else 0.0
        self._count.labels(self._queue.name).set(count)
        self._since.labels(self._queue.name).set(since)
        if parked and count > (self._known.count if self._known else 0):
            log.error("parking_grew", queue=self._queue.parked, messages=count,
                      oldest=parked.reason)  # fmt: skip
        self._known = parked
