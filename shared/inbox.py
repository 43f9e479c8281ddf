"""The inbox: an event has its effect once, however often it is delivered.

A row is needed as long as its event may come again: from an outbox or a queue that was not read
for long, or from a wait (`topology.RETRY_DELAYS`, hours). After that it is forgotten.
"""

from collections.abc import Collection
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
        sa.Index("ix_inbox_received_at", "received_at"),
    )


async def first_time(
    connection: AsyncConnection, table: sa.Table, event_id: str, handler: str, now: datetime
) -> bool:
    """Note the event in the caller's transaction; False when this handler has had it before.

    `handler` carries its version ("classify.v1"): a new version may process old events again.
    """
    return bool(await first_times(connection, table, [event_id], handler, now))


async def first_times(
    connection: AsyncConnection,
    table: sa.Table,
    event_ids: Collection[str],
    handler: str,
    now: datetime,
) -> frozenset[str]:
    """Note events in the caller's transaction; those that this handler has not had before.

    In the order of their ids, so that two transactions with the same events wait for each other
    and neither for ever.
    """
    result = await connection.execute(
        insert(connection, table)
        .on_conflict_do_nothing(index_elements=["event_id", "handler"])
        .returning(table.c.event_id),
        [
            {"event_id": one, "handler": handler, "received_at": now}
            for one in sorted(set(event_ids))
        ],
    )
    return frozenset(result.scalars())
