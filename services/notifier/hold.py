"""Sending held: a store that was restored does not know what was sent after its backup.

While a hold stands nothing is cut and nothing leaves: no digest, notice, letter, or what a replay
promised. Everything else goes on: what is found meanwhile is known when somebody has decided.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notifier.tables import digests, holds, replay_digests
from shared.database import transaction


@dataclass(frozen=True)
class Hold:
    """Why nothing is sent, since when, and until when it is known what was sent before."""

    id: str
    reason: str
    known_until: datetime
    since: datetime


async def standing(connection: AsyncConnection) -> Hold | None:
    """The hold that stands; None when sending is free."""
    row = (await connection.execute(_STANDING)).first()
    return Hold(row.id, row.reason, row.known_until, row.since) if row else None


async def is_held(engine: AsyncEngine) -> bool:
    """Whether nothing may be sent now.

    Raises:
        Retryable: the database is away.
    """
    async with transaction(engine) as connection:
        return await standing(connection) is not None


async def put(connection: AsyncConnection, hold: Hold) -> None:
    """Hold sending. What was about to be sent at `known_until` may have arrived since."""
    await connection.execute(
        holds.insert().values(
            id=hold.id, reason=hold.reason, known_until=hold.known_until, since=hold.since
        )
    )
    for table, state in ((digests, "intent"), (replay_digests, "waiting")):
        await connection.execute(
            table.update().where(table.c.state == state).values(maybe_sent=True)
        )


async def end(connection: AsyncConnection, decision: str, now: datetime) -> None:
    """Let sending go on; `decision` says in words what was decided."""
    await connection.execute(
        holds.update().where(holds.c.ended_at.is_(None)).values(ended_at=now, decision=decision)
    )


_STANDING = (
    sa.select(holds).where(holds.c.ended_at.is_(None)).order_by(holds.c.since, holds.c.id).limit(1)
)
