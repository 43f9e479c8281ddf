"""What a replay has sent, event by event: SQL only, in the caller's transaction."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.replay.tables import replay_events
from shared.database import insert

MADE = "made"
Counts = dict[str, dict[str, int]]
"""By consumer: `sent`, what became of it, and what is `open`; `MADE`: of what was made of that."""


@dataclass(frozen=True)
class Sending:
    """One event on its way to one consumer's queue, as it is put down."""

    consumer: str
    event_id: str
    type: str
    body: bytes
    body_hash: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same as another."""
        return self.consumer, self.event_id, self.body_hash


async def known(
    connection: AsyncConnection, replay_id: str, event_ids: Collection[str]
) -> frozenset[tuple[str, str, str]]:
    """Those of these events that were sent already, as `Sending.key`."""
    rows = await connection.execute(
        sa.select(
            replay_events.c.consumer, replay_events.c.event_id, replay_events.c.body_hash
        ).where(replay_events.c.replay_id == replay_id, replay_events.c.event_id.in_(event_ids))
    )
    return frozenset((row.consumer, row.event_id, row.body_hash) for row in rows)


async def put_down(connection: AsyncConnection, replay_id: str, sent: Sequence[Sending]) -> int:
    """Put down events that are safe in their queues; how many of them are new."""
    rows = [
        {
            "replay_id": replay_id,
            "consumer": one.consumer,
            "event_id": one.event_id,
            "body_hash": one.body_hash,
        }
        for one in sorted(sent, key=lambda one: one.key)
    ]
    if not rows:
        return 0
    once = insert(connection, replay_events).on_conflict_do_nothing(
        index_elements=["replay_id", "consumer", "event_id"]
    )
    added = await connection.execute(once.returning(replay_events.c.event_id), rows)
    return len(added.all())


async def left(
    connection: AsyncConnection, replay_id: str, limit: int
) -> list[tuple[str, str, str]]:
    """Some of the events that failed or have no outcome yet: what they are, consumer, and id."""
    events = replay_events.c
    is_failed = sa.func.coalesce(events.outcome, "") == "failed"
    is_left = sa.or_(events.outcome.is_(None), events.outcome == "failed")
    rows = await connection.execute(
        sa.select(events.outcome, events.consumer, events.event_id)
        .where(events.replay_id == replay_id, is_left)
        .order_by(is_failed.desc(), events.consumer, events.event_id)
        .limit(limit)
    )
    return [(row.outcome or "open", row.consumer, row.event_id) for row in rows]


async def tally(connection: AsyncConnection, replay_id: str) -> Counts:
    """What became of all that was sent, by consumer."""
    columns = (replay_events.c.consumer, replay_events.c.outcome)
    rows = await connection.execute(
        sa.select(*columns, sa.func.count().label("events"))
        .where(replay_events.c.replay_id == replay_id)
        .group_by(*columns)
        .order_by(replay_events.c.consumer)
    )
    found: dict[str, Counter[str]] = {}
    for row in rows:
        one = found.setdefault(row.consumer, Counter())
        one[row.outcome or "open"] += row.events
        one["sent"] += row.events
    return {consumer: dict(counts) for consumer, counts in found.items()}
