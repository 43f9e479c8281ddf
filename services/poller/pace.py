"""NCBI's limit for all processes that share a database: slots are reserved in one of its rows."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.poller.eutils.limit import LONGEST_PAUSE, Limiter, Slot, limiter_for
from services.poller.tables import pace
from shared.database import insert, transaction

_FARTHEST = 2 * LONGEST_PAUSE
"""Seconds. Nobody reserves so far ahead: the clock was put back, and the row is begun anew."""

_FREE = pace.c.free_at


@dataclass(frozen=True)
class DatabasePace:
    """Slots counted in the row `key`: by PostgreSQL's clock, or by this machine's for SQLite.

    A reservation is one short statement. Nothing is locked while its holder waits for the slot;
    one that dies meanwhile costs that slot.
    """

    engine: AsyncEngine
    key: str
    clock: Callable[[], float] = time.time

    async def reserve(self, gap: float, ahead: float = 0.0) -> Slot:
        """See `Pace`.

        Raises:
            Retryable: the database is away.
        """
        async with transaction(self.engine) as connection:
            now = self._now(connection)
            soonest = now + ahead
            free = sa.case((_FREE.between(soonest, now + _FARTHEST), _FREE), else_=soonest)
            statement = self._row(connection, soonest + gap, free + gap).returning(_FREE, now)
            asked = time.monotonic()
            answer = (await connection.execute(statement)).one()
            answered = time.monotonic()
        at, read = float(answer[0]) - gap, float(answer[1])
        if connection.dialect.name == "postgresql":
            # When between the two its clock was read, we cannot know.
            return Slot(at - read - (time.monotonic() - answered), doubt=answered - asked)
        return Slot(at - self.clock())

    async def hold(self, seconds: float) -> None:
        """See `Pace`.

        Raises:
            Retryable: the database is away.
        """
        async with transaction(self.engine) as connection:
            until = self._now(connection) + seconds
            later = sa.case((_FREE.between(until, until + _FARTHEST), _FREE), else_=until)
            await connection.execute(self._row(connection, until, later))

    def _now(self, connection: AsyncConnection) -> sa.ColumnElement[float]:
        # Within the transaction: on SQLite its beginning may have waited for another's end.
        if connection.dialect.name == "postgresql":
            return sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Double)
        return sa.literal(self.clock(), sa.Double)

    def _row(
        self,
        connection: AsyncConnection,
        first: sa.ColumnElement[float],
        then: sa.ColumnElement[float],
    ) -> sa.dialects.postgresql.Insert | sa.dialects.sqlite.Insert:
        new = insert(connection, pace).values(key=self.key, free_at=first)
        return new.on_conflict_do_update(index_elements=["key"], set_={"free_at": then})


def shared_limiter(engine: AsyncEngine, api_key: str | None) -> Limiter:
    """NCBI's limit for every process that uses this database and the same key, or none."""
    return limiter_for(api_key, DatabasePace(engine, _key(api_key)))


def _key(api_key: str | None) -> str:
    # NCBI counts by key, and without one by address. The key itself is nobody's business.
    if not api_key:
        return "address"
    return f"key-{hashlib.sha256(api_key.encode()).hexdigest()[:16]}"
