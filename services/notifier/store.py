"""Articles and polls in the database: SQL only, in the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.project import Known
from services.notifier.tables import articles, inbox, metadata, outbox, polls, received
from shared.database import insert
from shared.events import Classified, Poll

__all__ = [
    "article", "articles_between", "inbox", "keep_article", "keep_poll", "known",
    "last_poll",
    "metadata", "note_received", "outbox", "polls_between", "received_counts",
]  # fmt: skip


async def article(connection: AsyncConnection, topic: str, pmid: int) -> Known | None:
    """One article, its row locked until the transaction ends."""
    row = (
        await connection.execute(
            sa.select(articles)
            .where(articles.c.topic == topic, articles.c.pmid == pmid)
            .with_for_update()
        )
    ).one_or_none()
    return known(row) if row else None


async def articles_between(
    connection: AsyncConnection, topic: str, since: datetime, until: datetime
) -> list[Known]:
    """The topic's articles discovered, first seen or relevant after `since`; discovered by `until`.

    Backfill is left out here already: it is most of the table and never news.
    """
    rows = await connection.execute(
        sa.select(articles)
        .where(
            articles.c.topic == topic,
            articles.c.backfill.is_(False),
            sa.or_(
                articles.c.discovered_at > since,
                articles.c.first_seen_at > since,
                articles.c.relevant_since > since,
            ),
            articles.c.discovered_at <= until,
        )
        .order_by(articles.c.pmid)
    )
    return [known(row) for row in rows]


async def keep_article(connection: AsyncConnection, one: Known) -> None:
    """Write an article's row, unless a newer revision got there first."""
    entry = one.entry
    values = {
        "revision": entry.revision,
        "status": one.status.value,
        "status_changed_at": one.status_changed_at,
        "scope": entry.classification.scope,
        "backfill": one.backfill,
        "discovered_at": one.discovered_at,
        "first_seen_at": one.first_seen_at,
        "classified_at": one.classified_at,
        "relevant_since": one.relevant_since,
        "entry": entry.model_dump(mode="json"),
    }
    statement = insert(connection, articles).values(topic=entry.topic, pmid=one.pmid, **values)
    # Two notifiers may meet an article for the first time at once; there is no row to lock yet.
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["topic", "pmid"],
            set_=values,
            where=articles.c.revision <= statement.excluded.revision,
        )
    )


async def note_received(connection: AsyncConnection, entry: Classified) -> None:
    """Count an article for the poll that announced it, once."""
    await connection.execute(
        insert(connection, received)
        .values(topic=entry.topic, poll_id=entry.poll_id, pmid=entry.article.pmid)
        .on_conflict_do_nothing(index_elements=["topic", "poll_id", "pmid"])
    )


async def received_counts(
    connection: AsyncConnection, topic: str, poll_ids: Sequence[str]
) -> dict[str, int]:
    """How many of each poll's articles have arrived; polls with none are absent."""
    rows = await connection.execute(
        sa.select(received.c.poll_id, sa.func.count())
        .where(received.c.topic == topic, received.c.poll_id.in_(poll_ids))
        .group_by(received.c.poll_id)
    )
    return {poll_id: count for poll_id, count in rows}  # noqa: C416  rows are no tuples to mypy


async def keep_poll(connection: AsyncConnection, poll: Poll) -> None:
    """Write a poll's row; a poll has one result."""
    await connection.execute(
        insert(connection, polls)
        .values(
            topic=poll.topic,
            poll_id=poll.poll_id,
            finished_at=poll.finished_at,
            healthy=poll.healthy,
            announced=poll.announced,
            poll=poll.model_dump(mode="json"),
        )
        .on_conflict_do_nothing(index_elements=["topic", "poll_id"])
    )


async def polls_between(
    connection: AsyncConnection, topic: str, since: datetime, until: datetime
) -> list[Poll]:
    """Polls that finished after `since` and not after `until`, the oldest first."""
    rows = await connection.execute(
        sa.select(polls.c.poll)
        .where(polls.c.topic == topic, polls.c.finished_at > since, polls.c.finished_at <= until)
        .order_by(polls.c.finished_at, polls.c.poll_id)
    )
    return [Poll.model_validate(row.poll) for row in rows]


async def last_poll(
    connection: AsyncConnection, topic: str, until: datetime, *, healthy: bool = False
) -> Poll | None:
    """The last poll that finished by `until`, or the last `healthy` one."""
    query = sa.select(polls.c.poll).where(polls.c.topic == topic, polls.c.finished_at <= until)
    if healthy:
        query = query.where(polls.c.healthy)
    found = await connection.scalar(query.order_by(polls.c.finished_at.desc()).limit(1))
    return Poll.model_validate(found) if found else None


def known(row: sa.Row[tuple[object, ...]]) -> Known:
    """An article from its row."""
    return Known(
        entry=Classified.model_validate(row.entry),
        discovered_at=row.discovered_at,
        first_seen_at=row.first_seen_at,
        classified_at=row.classified_at,
        backfill=row.backfill,
        status_changed_at=row.status_changed_at,
        relevant_since=row.relevant_since,
    )
