"""Letters in the database: SQL only, in the caller's transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.claims import Turn
from services.notifier.letters import Kind, Letter
from services.notifier.recipient import recipient
from services.notifier.suppression import is_suppressed
from services.notifier.tables import letters, polls


async def queue(
    connection: AsyncConnection,
    kind: Kind,
    address: str,
    now: datetime,
    subscription_id: str | None = None,
    told: Mapping[str, object] | None = None,
) -> str | None:
    """Put a letter on its way; its id, or `None` when none is written.

    None goes to who is never to be written to again, and none while one that says the same waits.
    """
    who = recipient("email", address)
    if await is_suppressed(connection, who) or await _waits(connection, kind, who, subscription_id):
        return None
    name = str(uuid4())
    await connection.execute(
        letters.insert().values(
            id=name,
            kind=kind,
            recipient=who,
            address=address,
            subscription_id=subscription_id,
            told=dict(told or {}),
            created_at=now,
            state="waiting",
        )
    )
    return name


async def _waits(
    connection: AsyncConnection, kind: Kind, who: str, subscription_id: str | None
) -> bool:
    about = letters.c.subscription_id
    found = await connection.scalar(
        sa.select(letters.c.id)
        .where(
            letters.c.state == "waiting",
            letters.c.kind == kind,
            letters.c.recipient == who,
            about.is_(None) if subscription_id is None else about == subscription_id,
        )
        .limit(1)
    )
    return found is not None


async def waiting(connection: AsyncConnection, turn: Turn) -> list[str]:
    """Ids of the letters to send, the oldest first."""
    rows = await connection.scalars(
        sa.select(letters.c.id)
        .where(_free(turn))
        .order_by(letters.c.created_at, letters.c.id)
        .limit(500)
    )
    return list(rows)


async def claim(
    connection: AsyncConnection, letter_id: str, turn: Turn
) -> tuple[Letter, int] | None:
    """Take a letter for the length of a lease, and its attempt from 1; `None` if it is taken."""
    result = await connection.execute(
        letters.update()
        .where(letters.c.id == letter_id, _free(turn))
        .values(claimed_until=turn.at + turn.lease, attempts=letters.c.attempts + 1)
    )
    if result.rowcount != 1:
        return None
    row = (await connection.execute(sa.select(letters).where(letters.c.id == letter_id))).one()
    return _letter(row), row.attempts


def _letter(row: sa.Row[Any]) -> Letter:
    return Letter(
        id=row.id,
        kind=row.kind,
        recipient=row.recipient,
        created_at=row.created_at,
        address=row.address,
        subscription_id=row.subscription_id,
        told=row.told,
    )


async def end(
    connection: AsyncConnection, letter_id: str, now: datetime, error: str | None = None
) -> None:
    """Record that a letter was sent, or why it never will be; its address is forgotten."""
    await connection.execute(
        _waiting(letter_id).values(
            state="failed" if error else "sent",
            sent_at=None if error else now,
            address=None,
            claimed_until=None,
            error=error,
        )
    )


async def postpone(
    connection: AsyncConnection, letter_id: str, attempt: int, error: str, next_try_at: datetime
) -> None:
    """Record a failure of an attempt that may pass, unless another one has begun since."""
    await connection.execute(
        _waiting(letter_id)
        .where(letters.c.attempts == attempt)
        .values(next_try_at=next_try_at, claimed_until=None, error=error)
    )


def _waiting(letter_id: str) -> sa.Update:
    return letters.update().where(letters.c.id == letter_id, letters.c.state == "waiting")


async def title(connection: AsyncConnection, topic: str) -> str:
    """What a topic is called, by its last poll; by its id when it has none."""
    query = sa.select(polls.c.poll).where(polls.c.topic == topic)
    found = await connection.scalar(query.order_by(polls.c.finished_at.desc()).limit(1))
    return str(found["topic_title"]) if found else topic


async def recipient_of(connection: AsyncConnection, letter_id: str) -> str | None:
    """The hash of who a letter was for; `None` when there is no such letter."""
    found: str | None = await connection.scalar(
        sa.select(letters.c.recipient).where(letters.c.id == letter_id)
    )
    return found


async def purge(connection: AsyncConnection, before: datetime) -> int:
    """Forget letters that had ended by then; how many they were."""
    result = await connection.execute(
        letters.delete().where(letters.c.state != "waiting", letters.c.created_at < before)
    )
    return result.rowcount


def _free(turn: Turn) -> sa.ColumnElement[bool]:
    unclaimed = turn.past(letters.c.claimed_until, turn.lease)
    has_come = turn.past(letters.c.next_try_at, turn.longest_wait)
    return sa.and_(letters.c.state == "waiting", unclaimed, has_come)
