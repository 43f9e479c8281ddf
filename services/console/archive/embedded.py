"""The embedded archive: the table of the bus, read in short transactions."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.archive.recorded import Recorded, envelop, named
from services.console.bus import archive
from shared.database import transaction

BATCH = 200
"""Rows in memory at once; an event is rarely more than some 20 KB."""


async def read_embedded(engine: AsyncEngine) -> AsyncIterator[Recorded]:
    """All that the archive held when reading began, in order.

    Raises:
        Retryable: the file is locked for too long.
    """
    last, seq = await _last(engine), 0
    while rows := await _rows(engine, seq, last):
        for row in rows:
            yield _entry(row)
        seq = rows[-1].seq


async def _last(engine: AsyncEngine) -> int:
    async with transaction(engine) as connection:
        return await connection.scalar(sa.select(sa.func.max(archive.c.seq))) or 0


async def _rows(engine: AsyncEngine, after: int, last: int) -> Sequence[sa.Row[Any]]:
    between = (archive.c.seq > after, archive.c.seq <= last)
    statement = sa.select(archive).where(*between).order_by(archive.c.seq).limit(BATCH)
    async with transaction(engine) as connection:
        return (await connection.execute(statement)).all()


def _entry(row: sa.Row[Any]) -> Recorded:
    found = envelop(row.seq, bytes(row.body), row.routing_key, row.published_at)
    return named(found, row.event_id, row.type)
