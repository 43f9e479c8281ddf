"""Records that were not understood: kept with their bytes, and asked for again. SQL only."""

from collections.abc import Collection, Iterable
from datetime import datetime
from hashlib import sha256

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.poller.parse import Refused
from services.poller.poll import Waiting
from services.poller.tables import parked_records
from shared.database import insert
from shared.events import Reason

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
            reasons=[reason.model_dump(exclude_none=True) for reason in waiting.reasons],
            news_from=waiting.news_from,
        )
        await connection.execute(
            statement.on_conflict_do_nothing(index_elements=["topic", "digest"])
        )


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
