"""Where the line stands: what was polled, what is on its way, what was sent, what waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.classifier import tables as classifier
from services.console.stores import Stores
from services.notifier import hold
from services.notifier import tables as notifier
from services.notifier.plan import due as digests_due
from services.notifier.resume import COUNTED
from services.notifier.subscribers import AS_WANTED
from services.notifier.wrong import (
    ARRIVED_WITHIN,
    PUBLISHED_WITHIN,
    Wrong,
    look,
    overdue_since,
    unpublished,
)
from services.poller import tables as poller
from services.poller.schedule import due
from services.poller.store import last_poll
from services.poller.topic import Topic
from shared.database import transaction
from shared.events import Poll
from shared.outbox import overdue, pending


@dataclass(frozen=True)
class Pulse:
    """Numbers of one topic.

    `outboxes` counts unpublished events by service, `on_the_way` the announced articles that have
    not reached the notifier, `digests` the rows by state. `overdue_since` is set when the next
    poll should have come by now. `late` says what should have come through long ago.
    """

    outboxes: dict[str, int]
    last_poll: Poll | None
    last_healthy_at: datetime | None
    overdue_since: datetime | None
    articles: int
    parked_records: int
    on_the_way: int
    digests: dict[str, int]
    failures: tuple[str, ...]
    subscriptions: int
    late: tuple[str, ...]


async def take_pulse(stores: Stores, topic: str, now: datetime) -> Pulse:
    """Read where one topic stands.

    Raises:
        Retryable: a database is away.
    """
    waiting = {
        "poller": await _waiting(stores.poller, poller.outbox, now),
        "classifier": await _waiting(stores.classifier, classifier.outbox, now),
        "notifier": await _waiting(stores.notifier, notifier.outbox, now),
    }
    async with transaction(stores.poller) as connection:
        articles = await _count(connection, poller.articles, poller.articles.c.topic == topic)
        parked = await _count(
            connection, poller.parked_records, poller.parked_records.c.topic == topic
        )
    async with transaction(stores.notifier) as connection:
        last = await _last_poll(connection, topic)
        return Pulse(
            outboxes={name: one.count for name, one in waiting.items()},
            last_poll=last,
            last_healthy_at=await _last_healthy_at(connection, topic),
            overdue_since=overdue_since(last, now),
            articles=articles,
            parked_records=parked,
            on_the_way=await _on_the_way(connection, topic),
            digests=await _digests(connection),
            failures=(*await _held(connection), *await failures(connection)),
            subscriptions=await _count(
                connection, notifier.subscriptions, notifier.subscriptions.c.active
            ),
            late=(
                *(f"{name}: {one.late}" for name, one in waiting.items() if one.late),
                *await _not_arrived(connection, topic, now),
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


TOLD_FOR = timedelta(days=7)
"""How long it is told that an article has not arrived: somebody may have dropped it on purpose."""


@dataclass(frozen=True)
class _Waiting:
    """The events of one outbox; `late`: what is wrong with those that wait for too long."""

    count: int
    late: str | None


async def _waiting(engine: AsyncEngine, table: sa.Table, now: datetime) -> _Waiting:
    async with transaction(engine) as connection:
        count = await pending(connection, table)
        late, reason = await overdue(connection, table, now - PUBLISHED_WITHIN)
    told = f"{late} events not published for half an hour: {(reason or 'broker away')[:200]}"
    return _Waiting(count, told if late else None)


async def _not_arrived(connection: AsyncConnection, topic: str, now: datetime) -> tuple[str, ...]:
    ended = notifier.polls.c.finished_at
    late = await _on_the_way(connection, topic, ended.between(now - TOLD_FOR, now - ARRIVED_WITHIN))
    return (f"{late} articles announced more than two hours ago have not arrived",) * bool(late)


async def awaited(stores: Stores, topic: Topic, now: datetime) -> str | None:
    """What has yet to happen before everything that belongs to `now` is done; None when it is."""
    async with transaction(stores.poller) as connection:
        last = await last_poll(connection, topic.id, now)
        polls = await _count(connection, poller.polls, poller.polls.c.topic == topic.id)
    if due(topic, last, now):
        return "a poll"
    pulse = await take_pulse(stores, topic.id, now)
    if sum(pulse.outboxes.values()):
        return "events to be published"
    async with transaction(stores.notifier) as connection:
        if await _count(connection, notifier.polls, notifier.polls.c.topic == topic.id) < polls:
            return "a poll's report"
        if pulse.on_the_way:
            return f"{pulse.on_the_way} articles"
    missing = len(await digests_due(stores.notifier, now)) + pulse.digests.get("intent", 0)
    return f"{missing} digests" if missing else None


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


async def _on_the_way(
    connection: AsyncConnection, topic: str, *polls: sa.ColumnElement[bool]
) -> int:
    """Articles that a finished poll, one of these, announced and that have not arrived.

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
        .where(notifier.polls.c.topic == topic, owed > 0, *polls)
    )
    return int(total or 0)


async def _digests(connection: AsyncConnection) -> dict[str, int]:
    rows = await connection.execute(
        sa.select(notifier.digests.c.state, sa.func.count())
        .group_by(notifier.digests.c.state)
        .order_by(notifier.digests.c.state)
    )
    return {str(state): int(count) for state, count in rows}


async def _held(connection: AsyncConnection) -> tuple[str, ...]:
    found = await hold.standing(connection)
    if found is None:
        return ()
    return (f"sending is held since {found.since:%Y-%m-%d %H:%M} UTC, {found.reason}: "
            "see `carillon sending`",)  # fmt: skip


async def failures(connection: AsyncConnection) -> tuple[str, ...]:
    """Digests that were not delivered, and subscriptions that get none, each with the reason."""
    rows = await connection.execute(
        sa.select(notifier.digests.c.subscription_id, notifier.digests.c.error)
        .where(
            notifier.digests.c.error.is_not(None),
            notifier.digests.c.state != "sent",
            notifier.digests.c.error.not_like(f"{COUNTED}%"),  # an operator's own decision
        )
        .order_by(notifier.digests.c.period_to.desc())
        .limit(5)
    )
    failed = [f"{row.subscription_id}: {row.error}" for row in rows]
    readers = notifier.subscriptions
    rows = await connection.execute(
        sa.select(readers.c.id, readers.c.inactive_reason)
        .where(readers.c.inactive_reason.is_not(None), readers.c.inactive_reason.not_in(AS_WANTED))
        .order_by(readers.c.id)
    )
    return (*failed, *(f"{row.id}: {row.inactive_reason}" for row in rows))
