"""Reading and writing what a topic knows. SQL only: the rules are in `poll`."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.poller.legs import Cursor
from services.poller.poll import Decision, Entry, Known
from services.poller.relatedness import relatedness
from services.poller.schedule import LastPoll
from services.poller.tables import articles, cursors, outbox, polls, source
from shared.article import Article, content_hash
from shared.database import insert
from shared.errors import ConfigurationError
from shared.events import Reason
from shared.outbox import add_all

_IN_QUERY = 500
"""Ids per IN (...): SQLite and PostgreSQL both bound the parameters of a statement."""


async def claim_source(connection: AsyncConnection, base_url: str, now: datetime) -> None:
    """Remember where this store is filled from, so that no other source is ever mixed in.

    Raises:
        ConfigurationError: it was filled from somewhere else.
    """
    statement = insert(connection, source).values(id=1, base_url=base_url, filled_since=now)
    await connection.execute(statement.on_conflict_do_nothing(index_elements=["id"]))
    filled_from = await connection.scalar(sa.select(source.c.base_url))
    if filled_from != base_url:
        raise ConfigurationError(
            f"this store was filled from {filled_from} and is now to be filled from {base_url}: "
            "give the other source a store of its own (POLLER_DATABASE_URL), or put the old "
            "E-utilities URL back (POLLER_EUTILS_URL)"
        )


async def lock_topic(connection: AsyncConnection, topic: str) -> None:
    """Let no second poller write this topic until the transaction ends.

    SQLite's transactions already are one at a time.
    """
    if connection.dialect.name == "postgresql":
        lock = sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"poller:{topic}", 0))
        await connection.execute(sa.select(lock))


async def read_cursors(connection: AsyncConnection, topic: str) -> dict[str, Cursor]:
    """The cursor of each leg that was closed once, by the leg's key."""
    rows = await connection.execute(sa.select(cursors).where(cursors.c.topic == topic))
    return {
        row.leg: Cursor(
            row.moved_to, row.definition, row.query_translation, tuple(row.warnings or ())
        )
        for row in rows
    }


async def move_cursor(connection: AsyncConnection, topic: str, leg: str, cursor: Cursor) -> None:
    """Set the cursor of a closed leg."""
    values = {
        "moved_to": cursor.moved_to,
        "definition": cursor.definition,
        "query_translation": cursor.query_translation,
        "warnings": list(cursor.warnings),
    }
    statement = insert(connection, cursors).values(topic=topic, leg=leg, **values)
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["topic", "leg"], set_=values)
    )


async def read_known(connection: AsyncConnection, topic: str) -> dict[int, Known]:
    """All articles of a topic, in brief."""
    columns = (
        articles.c.pmid,
        articles.c.reasons,
        articles.c.backfill,
        articles.c.entered_at,
        articles.c.announced_at,
        articles.c.reread_at,
    )
    rows = await connection.execute(sa.select(*columns).where(articles.c.topic == topic))
    return {
        row.pmid: Known(
            reasons=_reasons(row.reasons),
            backfill=row.backfill,
            entered_at=row.entered_at,
            announced_at=row.announced_at,
            reread_at=row.reread_at,
        )
        for row in rows
    }


async def read_entries(
    connection: AsyncConnection, topic: str, pmids: Sequence[int]
) -> dict[int, Entry]:
    """The named articles of a topic, as far as it knows them."""
    entries: dict[int, Entry] = {}
    for start in range(0, len(pmids), _IN_QUERY):
        some = pmids[start : start + _IN_QUERY]
        statement = sa.select(articles).where(articles.c.topic == topic, articles.c.pmid.in_(some))
        entries |= {row.pmid: _entry(row) for row in await connection.execute(statement)}
    return entries


def _entry(row: Any) -> Entry:
    return Entry(
        article=Article.model_validate(row.article),
        revision=row.revision,
        reasons=_reasons(row.reasons),
        backfill=row.backfill,
        discovered_at=row.discovered_at,
        announced_at=row.announced_at,
        reread_at=row.reread_at,
        poll_id=row.poll_id,
    )


def _reasons(stored: Iterable[dict[str, Any]]) -> tuple[Reason, ...]:
    return tuple(Reason.model_validate(reason) for reason in stored)


async def save(
    connection: AsyncConnection, topic: str, decisions: Sequence[Decision], now: datetime
) -> None:
    """Write what was decided, and the events that tell of it."""
    if not decisions:
        return
    statement = insert(connection, articles)
    replaced = {
        column.name: statement.excluded[column.name]
        for column in articles.c
        if not column.primary_key
    }
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["topic", "pmid"], set_=replaced),
        [_row(topic, decision.entry) for decision in decisions],
    )
    events = [decision.event for decision in decisions if decision.event]
    await add_all(connection, outbox, events, now)


async def note_read(
    connection: AsyncConnection, topic: str, pmids: Collection[int], now: datetime
) -> None:
    """Note that articles were asked for again, though nothing of them could be understood.

    They wait for their next turn like the others, and do not use up the budget of every poll.
    """
    if pmids:
        await connection.execute(
            articles.update()
            .where(articles.c.topic == topic, articles.c.pmid.in_(list(pmids)))
            .values(reread_at=now)
        )


def _row(topic: str, entry: Entry) -> dict[str, Any]:
    article = entry.article
    return {
        "topic": topic,
        "pmid": article.pmid,
        "revision": entry.revision,
        "content_hash": content_hash(article),
        "status": article.status.value,
        "article": article.model_dump(mode="json", exclude_defaults=True),
        "reasons": [reason.model_dump(exclude_none=True) for reason in entry.reasons],
        "relatedness": relatedness(entry.reasons),
        "backfill": entry.backfill,
        "entered_at": article.entered_at,
        "discovered_at": entry.discovered_at,
        "announced_at": entry.announced_at,
        "reread_at": entry.reread_at,
        "poll_id": entry.poll_id,
    }


async def has_poll(connection: AsyncConnection, poll_id: str) -> bool:
    """Whether a poll of this id was finished."""
    statement = sa.select(polls.c.poll_id).where(polls.c.poll_id == poll_id)
    return await connection.scalar(statement) is not None


async def last_poll(connection: AsyncConnection, topic: str, now: datetime) -> LastPoll | None:
    """How the last poll of a topic ended; None when there was none.

    Polls that ended after `now` do not count: they were made before the clock was put back, and
    would silence the topic until it has caught up with them.
    """
    statement = (
        sa.select(polls.c.finished_at, polls.c.healthy)
        .where(polls.c.topic == topic, polls.c.finished_at <= now)
        .order_by(polls.c.finished_at.desc(), polls.c.started_at.desc())
        .limit(1)
    )
    row = (await connection.execute(statement)).one_or_none()
    return LastPoll(row.finished_at, row.healthy) if row else None


async def count_announced(connection: AsyncConnection, topic: str, poll_id: str) -> int:
    """How many articles were announced under a poll's id, also before a crash in the middle."""
    statement = (
        sa.select(sa.func.count())
        .select_from(articles)
        .where(articles.c.topic == topic, articles.c.poll_id == poll_id)
    )
    return await connection.scalar(statement) or 0
