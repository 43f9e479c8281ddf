"""What is kept for a time only, and forgotten in small steps: inboxes, outcomes of replays."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.database import transaction

AT_ONCE = 5_000
"""Rows forgotten in one transaction: so that it is short, and locks nobody out."""


async def forget(
    engine: AsyncEngine, table: sa.Table, age: str, before: datetime, at_once: int = AT_ONCE
) -> int:
    """Forget the rows whose column `age` is before that instant; how many went.

    In transactions of `at_once` rows each, the oldest first: what is done stays done when it is
    broken off.

    Raises:
        Retryable: the database is away.
    """
    gone = 0
    while True:
        async with transaction(engine) as connection:
            some = await _forget_some(connection, table, age, before, at_once)
        gone += some
        if some < at_once:
            return gone


async def _forget_some(
    connection: AsyncConnection, table: sa.Table, age: str, before: datetime, limit: int
) -> int:
    key = table.primary_key.columns.values()
    oldest = sa.select(*key).where(table.c[age] < before).order_by(table.c[age]).limit(limit)
    result = await connection.execute(table.delete().where(sa.tuple_(*key).in_(oldest)))
    return result.rowcount
