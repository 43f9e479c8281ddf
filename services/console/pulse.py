"""Where the line stands: what was polled, what is on its way, what was sent, what waits.

Numbers of a topic, and what `services.notifier.wrong`, which alone judges, finds in all stores.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.classifier import tables as classifier
from services.console.stores import Stores
from services.notifier import tables as notifier
from services.notifier.wrong import Wrong, look, overdue_since, unpublished
from services.poller import tables as poller
from shared.database import transaction
from shared.events import Poll
from shared.outbox import pending


@dataclass(frozen=True)
class Pulse:
    """Numbers of one topic.

    `outboxes` counts unpublished events by service, `on_the_way` the announced articles that have
    not reached the notifier, `digests` the rows by state. `overdue_since` is set when the next
    poll should have come by now.
    """

    outboxes: dict[str, int]
    last_poll: Poll | None
    last_healthy_at: datetime | None
    overdue_since: datetime | None
    articles: int
    parked_records: int
    on_the_way: int
    digests: dict[str, int]
    subscriptions: int


async def take_pulse(stores: Stores, topic: str, now: datetime) -> Pulse:
    """Read where one topic stands.

    Raises:
        Retryable: a database is away.
    """
    outboxes = {
        "poller": await _waiting(stores.poller, poller.outbox),
        "classifier": await _waiting(stores.classifier, classifier.outbox),
        "notifier": await _waiting(stores.notifier, notifier.outbox),
    }
    async with transaction(stores.poller) as connection:
        articles = await _count(connection, poller.articles, poller.articles.c.topic == topic)
        parked = await _count(
            connection, poller.parked_records, poller.parked_records.c.topic == topic
        )
    async with transaction(stores.notifier) as connection:
        last = await _last_poll(connection, topic)
        return Pulse(
            outboxes=outboxes,
            last_poll=last,
            last_healthy_at=await _last_healthy_at(connection, topic),
            overdue_since=overdue_since(last, now),
            articles=articles,
            parked_records=parked,
            on_the_way=await on_the_way(connection, topic),
            digests=await by_state(connection),
            subscriptions=await _count(
                connection, notifier.subscriptions, notifier.subscriptions.c.active
            ),
        )


async def take_wrongs(
    stores: Stores, topics: Sequence[str], now: datetime
) -> tuple[list[Wrong], bool]:
    """What is wrong in all three stores, and whether any of these topics was polled.

    Raises:
        Retryable: a database is away.
    """
    async with transaction(stores.notifier) as connection:
        found, polled = await look(connection, topics, now)
    for name, engine, table in (
        ("poller", stores.poller, poller.outbox),
        ("classifier", stores.classifier, classifier.outbox),
    ):
        async with transaction(engine) as connection:
            found += await unpublished(connection, table, name, now)
    return found, polled


async def _waiting(engine: AsyncEngine, table: sa.Table) -> int:
    async with transaction(engine) as connection:
        return await pending(connection, table)


async def _count(
    connection: AsyncConnection, table: sa.Table, where: sa.ColumnElement[bool]
) -> int:
    return await connection.scalar(sa.select(sa.func.count()).select_from(table).where(where)) or 0


async def _last_poll(connection: AsyncConnection, topic: str) -> Poll | None:
    content = await connection.scalar(
        sa.select(notifier.polls.c.poll)
        .where(notifier.polls.c.topic == topic)
        .order_by(notifier.polls.c.finished_at.desc())
        .limit(1)
    )
    return Poll.model_validate(content) if content else None


async def _last_healthy_at(connection: AsyncConnection, topic: str) -> datetime | None:
    found: datetime | None = await connection.scalar(
        sa.select(sa.func.max(notifier.polls.c.finished_at)).where(
            notifier.polls.c.topic == topic, notifier.polls.c.healthy
        )
    )
    return found


async def on_the_way(connection: AsyncConnection, topic: str) -> int:
    """Articles that a finished poll announced and that have not arrived.

    An article can arrive under a later revision of another poll, so a poll cannot be owed more
    than it announced.
    """
    arrived = (
        sa.select(notifier.received.c.poll_id, sa.func.count().label("count"))
        .where(notifier.received.c.topic == topic)
        .group_by(notifier.received.c.poll_id)
        .subquery()
    )
    owed = notifier.polls.c.announced - sa.func.coalesce(arrived.c.count, 0)
    total = await connection.scalar(
        sa.select(sa.func.sum(owed))
        .select_from(
            notifier.polls.outerjoin(arrived, arrived.c.poll_id == notifier.polls.c.poll_id)
        )
        .where(notifier.polls.c.topic == topic, owed > 0)
    )
    return int(total or 0)


async def by_state(connection: AsyncConnection) -> dict[str, int]:
    """How many digests there are in each state."""
    rows = await connection.execute(
        sa.select(notifier.digests.c.state, sa.func.count())
        .group_by(notifier.digests.c.state)
        .order_by(notifier.digests.c.state)
    )
    return {str(state): int(count) for state, count in rows}
