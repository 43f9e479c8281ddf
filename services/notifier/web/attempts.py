"""Who asked for what, and when: SQL only, in the caller's transaction."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.tables import attempts


async def hold(connection: AsyncConnection, keys: Iterable[str]) -> None:
    """Let nobody else count the same until this transaction ends.

    Else a hundred forms that come at once would all find that none had come before. In their
    order, so that no two wait for each other. SQLite has one writer at a time anyway.
    """
    if connection.dialect.name != "postgresql":
        return
    for key in sorted(set(keys)):
        number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], signed=True)
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))


async def since(
    connection: AsyncConnection, what: str, who: str | None, after: datetime, most: int
) -> list[datetime]:
    """The latest times, at most so many, at which this was asked by one, or by anybody."""
    query = sa.select(attempts.c.at).where(attempts.c.what == what, attempts.c.at > after)
    if who is not None:
        query = query.where(attempts.c.who == who)
    return list(await connection.scalars(query.order_by(attempts.c.at.desc()).limit(most)))


async def note(connection: AsyncConnection, what: str, who: str, at: datetime) -> None:
    """Put on record that this was asked."""
    await connection.execute(attempts.insert().values(what=what, who=who, at=at))


async def purge(connection: AsyncConnection, before: datetime) -> int:
    """Forget what was asked until then; how many times that was."""
    result = await connection.execute(attempts.delete().where(attempts.c.at <= before))
    return result.rowcount
