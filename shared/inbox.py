"""The inbox: an event has its effect once, however often it is delivered."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import UtcDateTime, insert


def inbox_table(metadata: sa.MetaData) -> sa.Table:
    """The inbox of one service: which handler, in which version, has had which event."""
    return sa.Table(
        "inbox",
        metadata,
        sa.Column("event_id", sa.String(36), primary_key=True),
        sa.Column("handler", sa.String(40), primary_key=True),
        sa.Column("received_at", UtcDateTime, nullable=False),
    )


async def first_time(
    connection: AsyncConnection, table: sa.Table, event_id: str, handler: str, now: datetime
) -> bool:
    """Note the event in the caller's transaction; False when this handler has had it before.

    `handler` carries its version ("classify.v1"): a new version may process old events again.
    """
    result = await connection.execute(
        insert(connection, table)
        .values(event_id=event_id, handler=handler, received_at=now)
        .on_conflict_do_nothing(index_elements=["event_id", "handler"])
    )
    return result.rowcount == 1
