"""What is remembered of files that were taken in. SQL only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.poller.ingest.plan import Past
from services.poller.tables import articles, ingested_files, legs, parked_records, polls
from shared.article import Article
from shared.database import insert
from shared.events import Leg

State = Literal["applied", "broken", "refused"]

_CITED = "cited_by_seed"
"""Under this name a file's row holds what the seed cites, if the seed's record is in the file."""


@dataclass(frozen=True)
class FileRow:
    """A file as the ledger has it. `definition` is what its records were filtered by."""

    name: str
    sha256: str
    md5: str
    definition: str
    state: State
    counts: Mapping[str, int]
    error: str | None = None
    cited: tuple[int, ...] | None = None


async def read_past(connection: AsyncConnection, topic: str, definition: str) -> Past:
    """The files that were taken in whole, filtered as they would be now."""
    rows = (
        await connection.execute(
            sa.select(ingested_files.c.sha256, ingested_files.c.name).where(
                ingested_files.c.topic == topic,
                ingested_files.c.state == "applied",
                ingested_files.c.definition == definition,
            )
        )
    ).all()
    return Past(frozenset(row.sha256 for row in rows), frozenset(row.name for row in rows))


async def times_taken(connection: AsyncConnection, topic: str, sha256: str) -> int:
    """How often an attempt at a file came to an end, well or not."""
    times = await connection.scalar(sa.select(ingested_files.c.times).where(_is(topic, sha256)))
    return times or 0


async def taken_until(connection: AsyncConnection, topic: str) -> datetime | None:
    """When the last file was taken in whole, whatever it was filtered by; None before one was."""
    times = await connection.scalars(
        sa.select(ingested_files.c.applied_at).where(ingested_files.c.topic == topic)
    )
    return max(filter(None, times), default=None)


async def write_file(connection: AsyncConnection, topic: str, row: FileRow, now: datetime) -> None:
    """Write the end of an attempt at a file."""
    counts: dict[str, Any] = dict(row.counts)
    if row.cited is not None:
        counts[_CITED] = list(row.cited)
    values = {
        "name": row.name,
        "md5": row.md5,
        "state": row.state,
        "definition": row.definition,
        "counts": counts,
        "error": row.error,
        "tried_at": now,
        "applied_at": now if row.state == "applied" else None,
    }
    statement = insert(connection, ingested_files).values(
        topic=topic, sha256=row.sha256, times=1, **values
    )
    more = {**values, "times": ingested_files.c.times + 1}
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["topic", "sha256"], set_=more)
    )


def _is(topic: str, sha256: str) -> sa.ColumnElement[bool]:
    return sa.and_(ingested_files.c.topic == topic, ingested_files.c.sha256 == sha256)


async def known_pmids(connection: AsyncConnection, topic: str) -> set[int]:
    """Every article that the topic knows, or waits for until its record can be understood."""
    known = sa.select(articles.c.pmid).where(articles.c.topic == topic)
    waiting = sa.select(parked_records.c.pmid).where(
        parked_records.c.topic == topic, parked_records.c.pmid.is_not(None)
    )
    return {*await connection.scalars(known), *await connection.scalars(waiting)}


async def cited_by(connection: AsyncConnection, topic: str, seed: int) -> frozenset[int] | None:
    """What the seed cites, as far as its record was ever read; None when it was not.

    The seed is no article of its own topic, but it may be one of another's.
    """
    stored = await connection.scalar(
        sa.select(articles.c.article).where(articles.c.pmid == seed).limit(1)
    )
    if stored and (found := Article.model_validate(stored).references):
        return frozenset(found)
    rows = await connection.scalars(
        sa.select(ingested_files.c.counts)
        .where(ingested_files.c.topic == topic)
        .order_by(ingested_files.c.tried_at.desc())
    )
    remembered = (counts[_CITED] for counts in rows if _CITED in counts)
    latest = next(remembered, None)
    return None if latest is None else frozenset(latest)


@dataclass(frozen=True)
class LastLegs:
    """How the topic's last poll ended: when, and what it left open."""

    finished_at: datetime
    healthy: bool
    open: tuple[Leg, ...]


async def last_legs(connection: AsyncConnection, topic: str, now: datetime) -> LastLegs | None:
    """The last poll by `now`; None when the topic was never polled."""
    last = (
        await connection.execute(
            sa.select(polls.c.poll_id, polls.c.finished_at, polls.c.healthy)
            .where(polls.c.topic == topic, polls.c.finished_at <= now)
            .order_by(polls.c.finished_at.desc(), polls.c.started_at.desc())
            .limit(1)
        )
    ).one_or_none()
    if last is None:
        return None
    rows = await connection.execute(
        sa.select(legs)
        .where(legs.c.poll_id == last.poll_id, legs.c.state == "open")
        .order_by(legs.c.leg)
    )
    return LastLegs(last.finished_at, last.healthy, tuple(_leg(row) for row in rows))


def _leg(row: Any) -> Leg:
    relation, _, name = row.leg.partition(":")
    return Leg.model_validate(
        {
            "relation": relation,
            "name": name or None,
            "state": "open",
            "counted": row.counted,
            "received": row.received,
            "fetched": row.fetched,
            "understood": row.understood,
            "error": row.error,
            "open_since": row.open_since,
            "alarm": bool(row.alarm),
        }
    )
