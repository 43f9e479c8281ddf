"""What became of the events that a replay brought, for its report.

A row for each event and handler, written in the transaction in which the handler does its work. It
is the lock of a replay too: what one replay brings twice is worked on once. The inbox is left
alone, which knows what is live (`shared.inbox`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import UtcDateTime, insert

Result = Literal["processed", "deduplicated", "skipped"]
"""`processed`: it had its effect. `deduplicated`: had before, and not forced. `skipped`: passed
over, as a replay may not do what it asks for. What failed is parked, and has no row."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one event of a replay at one handler ("classify.v1").

    `hop` is the event's mark: 1 for what the replay itself sent, more for what was made of that.
    """

    replay_id: str
    event_id: str
    handler: str
    result: Result
    hop: int = 1


def outcomes_table(metadata: sa.MetaData) -> sa.Table:
    """The outcomes of one service's handlers. `outcome` is a `Result`."""
    return sa.Table(
        "replay_outcomes",
        metadata,
        sa.Column("replay_id", sa.String(36), primary_key=True),
        sa.Column("event_id", sa.String(36), primary_key=True),
        sa.Column("handler", sa.String(40), primary_key=True),
        sa.Column("hop", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Index("ix_replay_outcomes_at", "at"),
    )


async def note(
    connection: AsyncConnection, table: sa.Table, outcomes: Sequence[Outcome], now: datetime
) -> frozenset[tuple[str, str]]:
    """Note outcomes in the caller's transaction; replay and event of those not noted before.

    The first one counts: what comes again within a replay changes nothing. In the order of their
    keys, as `shared.inbox.first_times`.
    """
    rows = {
        (one.replay_id, one.event_id, one.handler): {
            "replay_id": one.replay_id,
            "event_id": one.event_id,
            "handler": one.handler,
            "hop": one.hop,
            "outcome": one.result,
            "at": now,
        }
        for one in reversed(outcomes)
    }
    if not rows:
        return frozenset()
    written = await connection.execute(
        insert(connection, table)
        .on_conflict_do_nothing(index_elements=["replay_id", "event_id", "handler"])
        .returning(table.c.replay_id, table.c.event_id),
        [rows[key] for key in sorted(rows)],
    )
    return frozenset((row.replay_id, row.event_id) for row in written)


async def counts(
    connection: AsyncConnection, table: sa.Table, replay_id: str, *, sent: bool = False
) -> dict[str, dict[str, int]]:
    """How many events of a replay came to which outcome, by handler.

    With `sent` those only that the replay itself sent, and nothing that was made of them.
    """
    columns = (table.c.handler, table.c.outcome)
    own = [table.c.replay_id == replay_id, *([table.c.hop == 1] if sent else [])]
    rows = await connection.execute(
        sa.select(*columns, sa.func.count().label("events"))
        .where(*own)
        .group_by(*columns)
        .order_by(*columns)
    )
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row.handler, {})[row.outcome] = row.events
    return found
