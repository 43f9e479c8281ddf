"""A notifier on a database, driven from outside: events in, mails out, the clock in hand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier import subscribers, tables
from services.notifier.contents import load_many
from services.notifier.digest import Digest
from services.notifier.handlers import handler
from services.notifier.metrics import Metrics
from services.notifier.packing import Means
from services.notifier.rota import Rota
from services.notifier.run import Identity, Office, Patience, deliver_due
from services.notifier.senders import Senders
from services.notifier.subscription import Subscription
from shared.database import transaction
from shared.events import CloudEvent, Poll
from tests.builders import an_article, classified, poll_completed
from tests.fakes import FakeClock, FakeSender

START = datetime(2026, 9, 7, 0, tzinfo=UTC)
"""A Monday; the subscriptions here begin then and are due daily at seven."""

IDENTITY = Identity("Carillon <news@example.org>", "car.carillon.example.org", "example.org")


def a_subscription(**overrides: Any) -> Subscription:
    name = overrides.get("id", "reader")
    return Subscription(
        **{
            "id": name,
            "topic": "car-autoimmune",
            "address": SecretStr(f"{name}@example.org"),
            "cadence": "daily",
            "created_at": START,
            "confirmed_at": START,
            **overrides,
        }
    )


def an_article_event(pmid: int, at: datetime, *, poll: str = "p1", **overrides: Any) -> CloudEvent:
    """An article as classified at `at`; what is the article's goes there, the rest to the event."""
    named = ("status", "corrections", "publication_types")
    kept = {key: overrides.pop(key) for key in named if key in overrides}
    article = an_article(pmid=pmid, title=f"Paper {pmid}", **kept)
    fields = {"article": article, "poll_id": poll, "discovered_at": at, **overrides}
    return classified(**fields).model_copy(update={"time": at})


def a_poll_event(at: datetime, *, poll: str = "p1", announced: int = 0, **more: Any) -> CloudEvent:
    start = at - timedelta(minutes=5)
    times = {"started_at": start, "finished_at": at}
    return poll_completed(poll_id=poll, announced=announced, **times, **more)


@dataclass
class Desk:
    """One notifier; `clock` is the simulated time, `timer` the real one."""

    engine: AsyncEngine
    clock: FakeClock = field(default_factory=lambda: FakeClock(START))
    timer: FakeClock = field(default_factory=lambda: FakeClock(START))
    sender: FakeSender = field(default_factory=FakeSender)
    background: int = 25
    senders: Senders | None = None
    means: Means = field(default_factory=Means)
    rota: Rota = field(default_factory=Rota)
    metrics: Metrics = field(default_factory=Metrics)

    async def subscribe(self, *wanted: Subscription) -> None:
        async with transaction(self.engine) as connection:
            for one in wanted:
                await subscribers.save(connection, one, "console", self.clock())

    async def receive(self, *events: CloudEvent) -> None:
        handle = handler(self.engine, self.clock)
        for event in events:
            await handle(event.encode())

    async def deliver(self, **patience: Any) -> int:
        waits = Patience(**{"timer": self.timer, **patience})
        senders = self.senders or {"email": self.sender}
        office = Office(
            senders, IDENTITY, waits, self.background, self.means,
            rota=self.rota, metrics=self.metrics,
        )  # fmt: skip
        return await deliver_due(self.engine, office, self.clock)

    async def at(self, hour: int, day: int = 7) -> int:
        """Let it be that hour of that day in September 2026, by both clocks, and deliver."""
        self.clock.now = self.timer.now = datetime(2026, 9, day, hour, tzinfo=UTC)
        return await self.deliver()

    async def rows(self, table: sa.Table) -> Sequence[sa.Row[Any]]:
        async with transaction(self.engine) as connection:
            return (await connection.execute(sa.select(table))).all()

    async def told(self, subscription_id: str = "reader") -> set[tuple[int, str]]:
        rows = await self.rows(tables.ledger)
        return {(row.pmid, row.kind) for row in rows if row.subscription_id == subscription_id}

    async def contents(self) -> list[Digest]:
        """The digests as stored, in order of their due instants."""
        rows = sorted(await self.rows(tables.digests), key=lambda row: row.period_to)
        async with transaction(self.engine) as connection:
            return await load_many(connection, [row.content for row in rows])

    async def digests(self) -> list[tuple[str, int]]:
        rows = await self.rows(tables.digests)
        return [(row.state, row.attempts) for row in sorted(rows, key=lambda row: row.period_to)]


def a_poll(**overrides: Any) -> Poll:
    return poll_completed(**overrides).data
