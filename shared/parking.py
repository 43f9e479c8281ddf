"""What is parked at the broker, and why: for the service's alarm, and for `carillon status`."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractQueue
from aio_pika.exceptions import AMQPError
from aiormq.exceptions import AMQPError as LowLevelAMQPError
from prometheus_client import CollectorRegistry, Gauge

from shared.errors import Away
from shared.placing import AWAY
from shared.topology import ConsumerQueue

log = structlog.get_logger(__name__)

LOOK_SECONDS = 20.0


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


async def parked_at(url: str, queue: ConsumerQueue) -> Parked | None:
    """What is parked for a consumer; None when nothing is. The messages stay where they are.

    Raises:
        Away: the broker cannot be reached, the queue is not there, or a console has it in hand:
            what is not to be seen then is not gone.
    """
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            connection = await aio_pika.connect(url, timeout=LOOK_SECONDS / 2)
            async with connection:
                return await _look(await connection.channel(), queue)
    except (*AWAY, AMQPError, LowLevelAMQPError) as error:
        raise Away(f"broker: {type(error).__name__} while looking at {queue.parked}") from error


async def _look(channel: AbstractChannel, queue: ConsumerQueue) -> Parked | None:
    found = await channel.declare_queue(queue.parked, passive=True)
    if found.declaration_result.consumer_count:
        raise Away(f"{queue.parked} is in hand of `carillon parked`: look again")
    count = found.declaration_result.message_count or 0
    return Parked(queue.name, count, *await _oldest(found)) if count else None


async def _oldest(queue: AbstractQueue) -> tuple[datetime | None, str, str]:
    message = await queue.get(fail=False)
    if message is None:
        return None, "unknown", "it is in somebody's hand"
    await message.nack(requeue=True)
    return why(message.headers)


def why(headers: Mapping[str, Any]) -> tuple[datetime | None, str, str]:
    """Since when a message is parked, the reason, and the error.

    What the broker parks by itself (its delivery limit, the last resort) has no headers of ours:
    its own account is `x-death` (https://www.rabbitmq.com/docs/dlx#effects).
    """
    if "carillon-reason" in headers:
        since = datetime.fromisoformat(str(headers["carillon-parked-at"]))
        return since, str(headers["carillon-reason"]), str(headers.get("carillon-error", ""))
    death = (headers.get("x-death") or [{}])[0]
    since = death.get("time")
    reason = str(death.get("reason", "unknown"))
    return since if isinstance(since, datetime) else None, reason, "parked by the broker itself"


class ParkingWatch:
    """Looks at one consumer's parking: numbers for Prometheus, and a line in the log if it grew."""

    def __init__(self, url: str, queue: ConsumerQueue, registry: CollectorRegistry) -> None:
        self._url, self._queue, self._known = url, queue, 0
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
        parked = await parked_at(self._url, self._queue)
        count = parked.count if parked else 0
        since = parked.since.timestamp() if parked and parked.since else 0.0
        self._count.labels(self._queue.name).set(count)
        self._since.labels(self._queue.name).set(since)
        if parked and count > self._known:
            log.error("parking_grew", queue=self._queue.parked, messages=count,
                      oldest=parked.reason)  # fmt: skip
        self._known = count
