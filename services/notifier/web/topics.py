"""The topics that are followed, as the polls on record tell them: SQL only."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.standing import GONE
from services.notifier.tables import articles, polls
from shared.events import Poll

LATELY = timedelta(days=30)


@dataclass(frozen=True)
class Topic:
    """A topic and its last poll; `lately` are the articles found in the last 30 days, as news."""

    id: str
    title: str
    seed: int
    checked_at: datetime
    healthy: bool
    articles: int
    lately: int


async def topics(connection: AsyncConnection, now: datetime) -> list[Topic]:
    """The topics that have been polled, by id, with their numbers."""
    held = await _counts(connection, now)
    polled = await last_polls(connection)
    return [_topic(poll, *held.get(poll.topic, (0, 0))) for poll in polled]


async def last_polls(connection: AsyncConnection) -> list[Poll]:
    """The last poll of every topic, by id: what a topic is called, and how it stands."""
    last = sa.select(polls.c.topic, sa.func.max(polls.c.finished_at).label("at"))
    newest = last.group_by(polls.c.topic).subquery()
    rows = await connection.execute(
        sa.select(polls.c.poll)
        .join(newest, (polls.c.topic == newest.c.topic) & (polls.c.finished_at == newest.c.at))
        .order_by(polls.c.topic, polls.c.poll_id)
    )
    by_id = {poll.topic: poll for poll in map(Poll.model_validate, rows.scalars())}
    return list(by_id.values())


async def _counts(connection: AsyncConnection, now: datetime) -> dict[str, tuple[int, int]]:
    is_late = (articles.c.discovered_at > now - LATELY) & articles.c.backfill.is_(False)
    rows = await connection.execute(
        sa.select(articles.c.topic, sa.func.count(), sa.func.sum(sa.case((is_late, 1), else_=0)))
        .where(articles.c.status.not_in([status.value for status in GONE]))
        .group_by(articles.c.topic)
    )
    return {topic: (total, int(late or 0)) for topic, total, late in rows}


def _topic(poll: Poll, total: int, late: int) -> Topic:
    return Topic(
        poll.topic, poll.topic_title, poll.seed, poll.finished_at, poll.healthy, total, late
    )
