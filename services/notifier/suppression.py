"""Who is never written to again, whatever a file, an operator or a form says: SQL only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.tables import subscriptions, suppressions
from shared.database import insert

SuppressedFor = Literal["bounce", "complaint", "asked", "operator"]
"""The mailbox is not there; they called it spam; they asked for it; the operator knows why."""


@dataclass(frozen=True)
class Suppressed:
    """A recipient (`recipient.recipient`) on the list; `detail` holds no address."""

    recipient: str
    reason: str
    detail: str | None
    at: datetime


async def suppress(
    connection: AsyncConnection, who: str, reason: SuppressedFor, now: datetime, detail: str = ""
) -> bool:
    """Put a recipient on the list; False when it stands there already, for the first reason."""
    result = await connection.execute(
        insert(connection, suppressions)
        .values(recipient=who, reason=reason, detail=detail or None, at=now)
        .on_conflict_do_nothing(index_elements=["recipient"])
    )
    return result.rowcount == 1


async def is_suppressed(connection: AsyncConnection, who: str) -> bool:
    """Whether nothing may be sent to this recipient, a question to confirm included."""
    found = await connection.scalar(_select().where(suppressions.c.recipient == who))
    return found is not None


async def suppressed(connection: AsyncConnection) -> list[Suppressed]:
    """The whole list, the latest first."""
    columns = (suppressions.c[name] for name in ("recipient", "reason", "detail", "at"))
    rows = await connection.execute(
        sa.select(*columns).order_by(suppressions.c.at.desc(), suppressions.c.recipient)
    )
    return [Suppressed(*row) for row in rows]


async def lift(connection: AsyncConnection, who: str) -> bool:
    """Take a recipient off the list; False when it was not on it."""
    result = await connection.execute(suppressions.delete().where(suppressions.c.recipient == who))
    return result.rowcount == 1


def not_suppressed() -> sa.ColumnElement[bool]:
    """True of rows of `subscriptions` whose recipient is not on the list."""
    listed = sa.exists().where(suppressions.c.recipient == subscriptions.c.recipient)
    return ~listed


def may_be_mailed() -> tuple[sa.ColumnElement[bool], ...]:
    """True of rows of `subscriptions` whose reader asked for digests, and still wants them."""
    return subscriptions.c.active, subscriptions.c.confirmed_at.is_not(None), not_suppressed()


def _select() -> sa.Select[tuple[str]]:
    return sa.select(suppressions.c.recipient)
