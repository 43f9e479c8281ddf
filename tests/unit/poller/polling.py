"""Polls of a tiny topic, and what they announce."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.poller.run import poll_topic
from services.poller.tables import outbox
from services.poller.topic import Query, Similar, Topic
from shared.clock import Clock
from shared.database import transaction
from shared.events import ArticleDiscovered, ArticleRevised, Event, Leg, Poll, decode
from tests.unit.poller.fakes import SEED, FakePubMed

DAY = datetime(2026, 9, 7, 5, tzinfo=UTC)
OLD = DAY - timedelta(days=300)
TOPIC = Topic(
    id="tiny",
    title="Tiny",
    seed=SEED,
    query=(Query(name="words", term="car[tiab]"),),
    similar=Similar(top=10),
    cited_by=True,
    references=True,
)
ONLY_WORDS = Topic(id="tiny", title="Tiny", seed=SEED, query=TOPIC.query)
ONLY_SIMILAR = Topic(id="tiny", title="Tiny", seed=SEED, similar=Similar())


async def poll(
    engine: AsyncEngine, pubmed: FakePubMed, days: float = 0, topic: Topic = TOPIC
) -> Poll:
    now = DAY + timedelta(days=days)
    return await poll_topic(engine, pubmed.eutils(), topic, lambda: now)


def standing(now: datetime) -> Clock:
    return lambda: now


async def taken(engine: AsyncEngine) -> list[Event]:
    """The events in the outbox, as a relay would take them."""
    async with transaction(engine) as connection:
        rows = await connection.execute(sa.select(outbox.c.body).order_by(outbox.c.seq))
        events = [decode(bytes(row.body)) for row in rows]
        await connection.execute(outbox.delete())
    return events


def announced(events: list[Event]) -> list[int]:
    kinds = (ArticleDiscovered, ArticleRevised)
    return sorted(int(event.subject) for event in events if isinstance(event, kinds))


def discovered(events: list[Event]) -> list[ArticleDiscovered]:
    return [event for event in events if isinstance(event, ArticleDiscovered)]


def revised(events: list[Event]) -> list[ArticleRevised]:
    return [event for event in events if isinstance(event, ArticleRevised)]


def leg(polled: Poll, relation: str) -> Leg:
    return next(leg for leg in polled.legs if leg.relation == relation)
