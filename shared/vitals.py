"""What every service tells Prometheus of itself: steps, outbox, standbys, consumer's queues.

Times are instants, not ages: who reads a number that nobody refreshes any more sees it grow old.
See https://prometheus.io/docs/practices/instrumentation/#timestamps-not-time-since.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import aio_pika
import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.broker import with_heartbeat
from shared.database import transaction
from shared.errors import Away
from shared.outbox import waiting_since
from shared.placing import AWAY
from shared.standbys import read_standbys
from shared.topology import RETRY_DELAYS, ConsumerQueue

LOOK_SECONDS = 20.0

Step = Callable[[], Awaitable[object]]


class Steps:
    """When each step that is done by the clock last ended well: silence is the alarm."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ended = Gauge(
            "carillon_step_succeeded_timestamp_seconds",
            "When a step last ended well, or the service began",
            ["step"],
            registry=registry,
        )

    def told(self, name: str, step: Step) -> Step:
        """The same step, which is noted whenever it has ended without a fault."""
        ended = self._ended.labels(name)
        ended.set_to_current_time()

        async def told() -> object:
            result = await step()
            ended.set_to_current_time()
            return result

        return told


class OutboxWatch:
    """Looks at a service's outbox: how many events wait, and since when the oldest does."""

    def __init__(self, engine: AsyncEngine, table: sa.Table, registry: CollectorRegistry) -> None:
        self._engine, self._table = engine, table
        self._count = Gauge(
            "carillon_outbox_events", "Events that wait to be published", registry=registry
        )
        self._since = Gauge(
            "carillon_outbox_oldest_timestamp_seconds",
            "Since when the oldest event of the outbox waits; 0 if none does",
            registry=registry,
        )

    async def look(self) -> None:
        """Look once.

        Raises:
            Retryable: the database is away.
        """
        async with transaction(self._engine) as connection:
            count, since = await waiting_since(connection, self._table)
        self._count.set(count)
        self._since.set(instant(since))


class StandbyWatch:
    """Looks at the standbys that the service's database waits for with each commit."""

    def __init__(self, engine: AsyncEngine, registry: CollectorRegistry) -> None:
        self._engine = engine
        self._wanted = Gauge(
            "carillon_standbys_wanted",
            "Synchronous standbys that the database waits for; 0 where none is set up",
            registry=registry,
        )
        self._following = Gauge(
            "carillon_standbys_following", "How many of those follow it", registry=registry
        )
        self._named = Gauge(
            "carillon_standbys_named",
            "Servers that the database's URL names beside one",
            registry=registry,
        )

    async def look(self) -> None:
        """Look once. It writes nothing: that would wait for the standby that is away.

        Raises:
            Retryable: the database is away.
        """
        async with transaction(self._engine) as connection:
            found = await read_standbys(connection)
        self._wanted.set(found.wanted)
        self._following.set(found.following)
        self._named.set(found.others)


class QueueWatch:
    """Looks at the queues of one consumer: what waits in them, and whether somebody reads."""

    def __init__(self, url: str, queue: ConsumerQueue, registry: CollectorRegistry) -> None:
        self._url, self._queue = url, queue
        self._ready = Gauge(
            "carillon_queue_messages",
            "Messages that wait for a consumer: for work, alone (suspects), or to be tried again",
            ["consumer", "part"],
            registry=registry,
        )
        self._readers = Gauge(
            "carillon_queue_consumers", "Who reads the work queue", ["consumer"], registry=registry
        )

    async def look(self) -> None:
        """Look once.

        Raises:
            Away: the broker cannot be reached, or a queue is not there.
        """
        queue = self._queue
        parts = {"work": [queue.name], "suspects": [queue.suspects]}
        parts["retry"] = [queue.retry(attempt) for attempt in range(1, len(RETRY_DELAYS) + 1)]
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                connection = await aio_pika.connect(
                    with_heartbeat(self._url), timeout=LOOK_SECONDS / 2
                )
                async with connection:
                    channel = await connection.channel()
                    found = {
                        name: (await channel.declare_queue(name, passive=True)).declaration_result
                        for names in parts.values()
                        for name in names
                    }
        except AWAY as error:
            raise Away(f"broker: {type(error).__name__} while looking at {queue.name}") from error
        for part, names in parts.items():
            messages = sum(found[name].message_count or 0 for name in names)
            self._ready.labels(queue.name, part).set(messages)
        self._readers.labels(queue.name).set(found[queue.name].consumer_count or 0)


def instant(moment: datetime | None) -> float:
    """A gauge's number for a moment: seconds since 1970; 0 for none."""
    return moment.timestamp() if moment else 0.0
