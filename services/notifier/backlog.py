"""What waits, what has not arrived, who is subscribed: SQL only, for Prometheus."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import hold
from services.notifier.coverage import LATE
from services.notifier.tables import (
    articles,
    digests,
    letters,
    polls,
    received,
    subscriptions,
    suppressions,
)

ARRIVED_WITHIN = timedelta(hours=2)
"""As long as a digest waits for what its polls announced."""

_FEW = 10_000
"""Parameters of one statement that both databases take."""


@dataclass(frozen=True)
class Waiting:
    """How many wait to be sent, and since when the oldest does."""

    count: int
    since: datetime | None


@dataclass(frozen=True)
class Backlog:
    """`waiting` is by kind (`digest`, `letter`), `subscriptions` by state, the others by topic.

    `heard` is the end of the last poll that is known here. `late` are articles that were announced
    more than two hours ago, and not over a week, and have not arrived. `held_since`: since when
    nothing may be sent, for a restore.
    """

    waiting: dict[str, Waiting]
    heard: dict[str, datetime]
    late: dict[str, int]
    subscriptions: dict[str, int]
    held_since: datetime | None


async def read_backlog(connection: AsyncConnection, now: datetime) -> Backlog:
    """What the store says now."""
    return Backlog(
        waiting={
            "digest": await _waiting(connection, digests, "intent"),
            "letter": await _waiting(connection, letters, "waiting"),
        },
        heard=await _heard(connection),
        late=await _late(connection, now),
        subscriptions=await _subscriptions(connection),
        held_since=held.since if (held := await hold.standing(connection)) else None,
    )


async def entered(
    connection: AsyncConnection, topic: str, pmids: Collection[int]
) -> dict[int, datetime]:
    """When PubMed took these articles of a topic in, where it says; background is left out."""
    found: dict[int, datetime] = {}
    wanted, when = sorted(pmids), articles.c.entry["article"]["entered_at"].as_string()
    for start in range(0, len(wanted), _FEW):
        rows = await connection.execute(
            sa.select(articles.c.pmid, when.label("entered")).where(
                articles.c.topic == topic,
                articles.c.backfill.is_(False),
                articles.c.pmid.in_(wanted[start : start + _FEW]),
            )
        )
        found |= {row.pmid: datetime.fromisoformat(row.entered) for row in rows if row.entered}
    return found


async def _waiting(connection: AsyncConnection, table: sa.Table, state: str) -> Waiting:
    counted = sa.select(sa.func.count(), sa.func.min(table.c.created_at))
    row = (await connection.execute(counted.where(table.c.state == state))).one()
    return Waiting(int(row[0]), row[1])


async def _heard(connection: AsyncConnection) -> dict[str, datetime]:
    last = sa.select(polls.c.topic, sa.func.max(polls.c.finished_at)).group_by(polls.c.topic)
    return {str(topic): at for topic, at in await connection.execute(last)}


async def _late(connection: AsyncConnection, now: datetime) -> dict[str, int]:
    """A poll cannot be owed more than it announced: another one may have brought its article."""
    here = sa.and_(received.c.topic == polls.c.topic, received.c.poll_id == polls.c.poll_id)
    owed = polls.c.announced - sa.func.count(received.c.pmid)
    each = (
        sa.select(polls.c.topic, owed.label("owed"))
        .select_from(polls.outerjoin(received, here))
        .where(polls.c.finished_at.between(now - LATE, now - ARRIVED_WITHIN))
        .group_by(polls.c.topic, polls.c.poll_id, polls.c.announced)
        .subquery()
    )
    rows = await connection.execute(
        sa.select(each.c.topic, sa.func.sum(each.c.owed))
        .where(each.c.owed > 0)
        .group_by(each.c.topic)
    )
    return {str(topic): int(count) for topic, count in rows}


async def _subscriptions(connection: AsyncConnection) -> dict[str, int]:
    barred = sa.select(suppressions.c.recipient)
    state = sa.case(
        (subscriptions.c.confirmed_at.is_(None), "unconfirmed"),
        (subscriptions.c.active.is_(False), "inactive"),
        (subscriptions.c.recipient.in_(barred), "suppressed"),
        (subscriptions.c.inactive_reason.is_not(None), "unreadable"),
        else_="active",
    )
    rows = await connection.execute(sa.select(state, sa.func.count()).group_by(state))
    none = dict.fromkeys(("active", "unconfirmed", "inactive", "suppressed", "unreadable"), 0)
    return none | {str(name): int(count) for name, count in rows}
