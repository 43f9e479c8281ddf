"""Where the topics stand, for Prometheus: read from the store, so that a restart hides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.poller import store
from services.poller.ledger import OpenLeg, read_open
from services.poller.legs import plans, whole_past
from services.poller.schedule import next_poll_at
from services.poller.tables import parked_records, windows
from services.poller.topic import Topic
from shared.database import transaction


@dataclass(frozen=True)
class Standing:
    """One topic. `complete` says up to when each leg is known to be complete, by its key.

    `next_at` of a topic that was never polled is now. `parked` counts records that were not
    understood, the oldest of them there since `parked_since`. `windows` counts the windows of
    `carillon poll --since` by state.
    """

    topic: str
    polled_at: datetime | None
    next_at: datetime
    complete: dict[str, datetime]
    open_legs: dict[str, OpenLeg]
    parked: int
    parked_since: datetime | None
    windows: dict[str, int]

    @property
    def open_since(self) -> datetime | None:
        """Since when the longest open leg is open; None when all are complete."""
        return min((one.since for one in self.open_legs.values()), default=None)


async def read_standings(
    engine: AsyncEngine, topics: Sequence[Topic], now: datetime
) -> list[Standing]:
    """How each topic stands now.

    Raises:
        Retryable: the database is away.
    """
    async with transaction(engine) as connection:
        return [await _standing(connection, topic, now) for topic in topics]


async def _standing(connection: AsyncConnection, topic: Topic, now: datetime) -> Standing:
    last = await store.last_poll(connection, topic.id, now)
    cursors = await store.read_cursors(connection, topic.id)
    parked, since = await _parked(connection, topic.id)
    return Standing(
        topic=topic.id,
        polled_at=last.finished_at if last else None,
        next_at=next_poll_at(topic, last, now),
        complete={key: cursors[key].moved_to for key in _keys(topic) & cursors.keys()},
        open_legs=await read_open(connection, topic.id),
        parked=parked,
        parked_since=since,
        windows=await _windows(connection, topic.id),
    )


def _keys(topic: Topic) -> set[str]:
    """The legs that it has now: the cursor of one that it had stays where it was, for ever."""
    whole = (whole_past(topic, query).key for query in topic.query)
    return {plan.key for plan in plans(topic)} | set(whole)


async def _parked(connection: AsyncConnection, topic: str) -> tuple[int, datetime | None]:
    counted = sa.select(sa.func.count(), sa.func.min(parked_records.c.parked_at))
    row = (await connection.execute(counted.where(parked_records.c.topic == topic))).one()
    return int(row[0]), row[1]


async def _windows(connection: AsyncConnection, topic: str) -> dict[str, int]:
    rows = await connection.execute(
        sa.select(windows.c.state, sa.func.count())
        .where(windows.c.topic == topic)
        .group_by(windows.c.state)
    )
    return {"open": 0, "closed": 0} | {str(state): int(count) for state, count in rows}
