"""The line in one process, for `tests.bench.footprint`: each stage by itself, and what it took."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier import tables as classifier
from services.classifier.handlers import handler as classifying
from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.notifier.handlers import handler as remembering
from services.poller import store
from services.poller import tables as poller
from services.poller.eutils import CHUNK
from services.poller.poll import Found, Moment, discover
from services.poller.topic import read_topic
from shared.article import Article
from shared.broker import PREFETCH
from shared.database import transaction
from shared.events import Reason
from tests.parts import cpu_of

TOPIC = read_topic(Path(__file__).parents[2] / "topics" / "car-autoimmune.toml")
FOUND = Found((Reason(relation="query", name="core"),))
NOW = datetime(2026, 9, 7, tzinfo=UTC)
Handle = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True)
class Spent:
    """Seconds on a processor."""

    service: float
    database: float


@dataclass(frozen=True)
class Meter:
    """Counts the processor time of this process and of the database's container."""

    container: object

    async def of(self, work: Awaitable[object]) -> Spent:
        """What some work took."""
        database, service = await asyncio.to_thread(cpu_of, self.container), time.process_time()
        await work
        service = time.process_time() - service
        return Spent(service, await asyncio.to_thread(cpu_of, self.container) - database)


@dataclass(frozen=True)
class Stage:
    """What a stage took for each article, milliseconds and bytes; `event` is what it published."""

    name: str
    count: int
    service_ms: float
    database_ms: float
    stored: float
    event: float


@dataclass
class Line:
    """Poller, classifier and notifier in turn; each takes what the one before has told."""

    engine: AsyncEngine
    meter: Meter
    moment: Moment = field(default_factory=lambda: Moment(TOPIC, "p1", NOW))
    bodies: list[bytes] = field(default_factory=list)

    async def polled(self, articles: Sequence[Article]) -> Stage:
        """Write new articles as a poll does, and take their events out of the outbox."""
        decisions = [discover(one, FOUND, self.moment) for one in articles]

        async def work() -> None:
            for start in range(0, len(decisions), CHUNK):
                async with transaction(self.engine) as connection:
                    part = decisions[start : start + CHUNK]
                    await store.save(connection, TOPIC.id, part, NOW)

        return await self._stage("poller", work(), len(articles), poller.outbox)

    async def classified(self) -> Stage:
        """Label them, and take the events."""
        handle = classifying(self.engine, load_taxonomy(TAXONOMY), lambda: NOW)
        return await self._stage(
            "classifier", self._handled(handle), len(self.bodies), classifier.outbox
        )

    async def remembered(self) -> Stage:
        """Have the notifier remember them."""
        handle = remembering(self.engine, lambda: NOW)
        return await self._stage("notifier", self._handled(handle), len(self.bodies), None)

    async def _handled(self, handle: Handle) -> None:
        for start in range(0, len(self.bodies), PREFETCH):
            await asyncio.gather(*map(handle, self.bodies[start : start + PREFETCH]))

    async def _stage(
        self, name: str, work: Awaitable[None], count: int, outbox: sa.Table | None
    ) -> Stage:
        spent = await self.meter.of(work)
        told = await self._taken(outbox) if outbox is not None else []
        self.bodies = told
        return Stage(
            name,
            count,
            1000 * spent.service / count,
            1000 * spent.database / count,
            await stored(self.engine, name) / count,
            sum(map(len, told)) / count,
        )

    async def _taken(self, outbox: sa.Table) -> list[bytes]:
        async with transaction(self.engine) as connection:
            rows = (await connection.execute(sa.select(outbox.c.body).order_by(outbox.c.seq))).all()
            await connection.execute(outbox.delete())
        return [bytes(row.body) for row in rows]


async def stored(engine: AsyncEngine, schema: str) -> int:
    """Bytes of a schema's tables with their indexes; what passes through is not counted."""
    passing = ("outbox", "inbox", "alembic_version")
    query = sa.text(
        "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = :schema AND c.relkind = 'r' AND NOT c.relname = ANY(:passing)"
    )
    async with transaction(engine) as connection:
        asked = {"schema": schema, "passing": list(passing)}
        return int(await connection.scalar(query, asked) or 0)
