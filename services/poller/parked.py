"""Records that were not understood: kept with their bytes, and asked for again. SQL only."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.poller.parse import Refused
from services.poller.poll import Waiting
from services.poller.tables import parked_records
from shared.database import insert
from shared.events import Reason

WITHHELD = "PubMed names it and sends no record"
"""The reason of a row without bytes. It is asked for like the others."""

FORGOTTEN_AFTER = timedelta(days=30)

AT_ONCE = 200
"""Parked records asked for again in one poll: one request."""


async def park(
    connection: AsyncConnection,
    topic: str,
    refused: Iterable[tuple[Refused, Waiting]],
    now: datetime,
) -> None:
    """Keep records that were not understood, with their bytes and why; each of them once."""
    for record, waiting in refused:
        statement = insert(connection, parked_records).values(
            topic=topic,
            digest=sha256(record.raw).hexdigest(),
            pmid=record.pmid,
            reason=record.reason,
            body=record.raw,
            parked_at=now,
            tried_at=now,
            **_why(waiting),
        )
        await connection.execute(
            statement.on_conflict_do_nothing(index_elements=["topic", "digest"])
        )


async def withhold(
    connection: AsyncConnection, topic: str, missing: Mapping[int, Waiting], now: datetime
) -> dict[int, datetime]:
    """Note articles that PubMed named and did not send; since when each of them is missing."""
    if not missing:
        return {}
    for pmid, waiting in missing.items():
        row = {**_why(waiting), "topic": topic, "pmid": pmid, "reason": WITHHELD, "body": b""}
        digest = sha256(f"{topic} {pmid}".encode()).hexdigest()
        statement = insert(connection, parked_records).values(
            **row, digest=digest, parked_at=now, tried_at=now
        )
        await connection.execute(
            statement.on_conflict_do_nothing(index_elements=["topic", "digest"])
        )
    rows = await connection.execute(
        sa.select(parked_records.c.pmid, parked_records.c.parked_at).where(
            _of(topic, missing.keys()), parked_records.c.reason == WITHHELD
        )
    )
    return {row.pmid: row.parked_at for row in rows}


async def drop_withheld(
    connection: AsyncConnection, topic: str, named: Collection[int], now: datetime
) -> None:
    """Forget what PubMed has not sent for long and names no more; `named` is what it names now.

    Not at once: a backfill has windows that no poll looks at.
    """
    gone = sa.select(parked_records.c.pmid).where(
        parked_records.c.topic == topic,
        parked_records.c.reason == WITHHELD,
        parked_records.c.parked_at < now - FORGOTTEN_AFTER,
    )
    pmids = set(await connection.scalars(gone)) - set(named)
    if pmids:
        await connection.execute(
            parked_records.delete().where(_of(topic, pmids), parked_records.c.reason == WITHHELD)
        )


async def drop_nameless(connection: AsyncConnection, topic: str, now: datetime) -> None:
    """Forget records that came without a PMID, once all that was missing beside each has come.

    Nobody can say whose it was; but what was asked for and not sent with it waits under its PMID
    since the same instant, and is asked for until it comes.
    """
    other = parked_records.alias()
    beside = sa.exists().where(
        other.c.topic == topic,
        other.c.reason == WITHHELD,
        other.c.parked_at == parked_records.c.parked_at,
    )
    nameless = (parked_records.c.topic == topic, parked_records.c.pmid.is_(None))
    await connection.execute(
        parked_records.delete().where(*nameless, parked_records.c.parked_at < now, ~beside)
    )


def _why(waiting: Waiting) -> dict[str, object]:
    return {
        "reasons": [reason.model_dump(exclude_none=True) for reason in waiting.reasons],
        "news_from": waiting.news_from,
    }


async def unpark(connection: AsyncConnection, topic: str, pmids: Collection[int]) -> None:
    """Forget parked records of articles that are understood by now."""
    if pmids:
        await connection.execute(parked_records.delete().where(_of(topic, pmids)))


async def take_up(connection: AsyncConnection, topic: str, now: datetime) -> dict[int, Waiting]:
    """The parked articles whose turn it is, at most `AT_ONCE`; it is noted that they had it.

    Of an article that was parked with several texts the first counts: it was found then.
    """
    rows = await connection.execute(
        sa.select(parked_records.c.pmid, parked_records.c.reasons, parked_records.c.news_from)
        .where(parked_records.c.topic == topic, parked_records.c.pmid.is_not(None))
        .order_by(parked_records.c.tried_at, parked_records.c.parked_at)
        .limit(AT_ONCE)
    )
    waiting: dict[int, Waiting] = {}
    for row in rows:
        reasons = tuple(Reason.model_validate(reason) for reason in row.reasons)
        waiting.setdefault(row.pmid, Waiting(reasons, row.news_from))
    if waiting:
        tried = parked_records.update().where(_of(topic, waiting.keys())).values(tried_at=now)
        await connection.execute(tried)
    return waiting


def _of(topic: str, pmids: Collection[int]) -> sa.ColumnElement[bool]:
    return sa.and_(parked_records.c.topic == topic, parked_records.c.pmid.in_(list(pmids)))
