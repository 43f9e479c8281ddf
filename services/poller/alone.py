"""One poller at a time asks PubMed about a topic, also when several processes run.

Writing is safe without it (`store.lock_topic`); this spares NCBI the second set of questions.
"""

import fcntl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.database import faults
from shared.errors import Retryable


@asynccontextmanager
async def only_poller(engine: AsyncEngine, topic: str) -> AsyncIterator[bool]:
    """Whether this is the only poller of the topic, until the block ends; never waits.

    On PostgreSQL it is a session's advisory lock, on SQLite a locked file beside the database:
    both end with the process that holds them, however it dies.
    See https://www.postgresql.org/docs/17/explicit-locking.html#ADVISORY-LOCKS

    Raises:
        Retryable: the database is away.
    """
    if engine.dialect.name == "postgresql":
        async with _session_lock(engine, topic) as mine:
            yield mine
    else:
        with _file_lock(engine.url.database, topic) as mine:
            yield mine


@asynccontextmanager
async def _session_lock(engine: AsyncEngine, topic: str) -> AsyncIterator[bool]:
    key = sa.func.hashtextextended(f"poll:{topic}", 0)
    with faults():
        connection = await engine.connect()
    try:
        with faults():
            # No transaction is left open while NCBI is asked: it would hold vacuum back.
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            mine = bool(await connection.scalar(sa.select(sa.func.pg_try_advisory_lock(key))))
        yield mine
    finally:
        await _give_back(connection)


async def _give_back(connection: AsyncConnection) -> None:
    """Unlock before the pool gets the session back; a session that cannot is thrown away."""
    try:
        with faults():
            await connection.execute(sa.select(sa.func.pg_advisory_unlock_all()))
    except Retryable:
        await connection.invalidate()
    finally:
        await connection.close()


@contextmanager
def _file_lock(database: str | None, topic: str) -> Iterator[bool]:
    if not database or database == ":memory:":
        yield True
        return
    with Path(f"{database}.{topic}.lock").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
