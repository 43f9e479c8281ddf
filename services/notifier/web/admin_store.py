"""What the operator looks at, in the database: SQL only, in the caller's transaction."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.rows import UNREADABLE
from services.notifier.tables import digests, letters, subscriptions

MOST = 200
"""Rows of one table that are shown, the latest."""

Rows = Sequence[Any]


async def people(connection: AsyncConnection) -> Rows:
    """Subscriptions, those that need a look first; each as its columns, read or not."""
    rows = await connection.execute(
        sa.select(subscriptions)
        .order_by(
            subscriptions.c.inactive_reason.is_(None),
            subscriptions.c.created_at.desc(),
            subscriptions.c.id,
        )
        .limit(MOST)
    )
    return rows.all()


async def unreadable(connection: AsyncConnection) -> Rows:
    """Subscriptions that are passed over because they cannot be read."""
    rows = await connection.execute(
        sa.select(subscriptions.c.id, subscriptions.c.topic, subscriptions.c.inactive_reason).where(
            subscriptions.c.active, subscriptions.c.inactive_reason.startswith(UNREADABLE)
        )
    )
    return rows.all()


async def troubled(connection: AsyncConnection) -> Rows:
    """Digests that failed, or wait after a failure, or came back; the latest first."""
    names = ("id", "subscription_id", "state", "period_to", "attempts", "next_try_at", "error")
    rows = await connection.execute(
        sa.select(*(digests.c[name] for name in names))
        .where(sa.or_(digests.c.state == "failed", digests.c.error.is_not(None)))
        .order_by(digests.c.period_to.desc(), digests.c.id)
        .limit(MOST)
    )
    return rows.all()


async def mail(connection: AsyncConnection) -> Rows:
    """Letters, the latest first."""
    names = ("id", "kind", "subscription_id", "created_at", "state", "attempts", "error")
    rows = await connection.execute(
        sa.select(*(letters.c[name] for name in names))
        .order_by(letters.c.created_at.desc(), letters.c.id)
        .limit(MOST)
    )
    return rows.all()


async def try_now(connection: AsyncConnection, name: str) -> bool:
    """Let a digest or letter that waits after a failure be tried at once; False when none does.

    One that was given up stays so: its papers went back, and may be with their reader by now.
    """
    tried = 0
    for table, state in ((digests, "intent"), (letters, "waiting")):
        result = await connection.execute(
            table.update()
            .where(table.c.id == name, table.c.state == state, table.c.next_try_at.is_not(None))
            .values(next_try_at=None)
        )
        tried += result.rowcount
    return bool(tried)
