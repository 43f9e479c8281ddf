"""What became of what a replay sent: read from where the handlers note it, and from parking."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier import tables as classifier
from services.console.replay.tables import replay_events
from services.console.stores import Stores
from services.notifier import tables as notifier
from shared.database import transaction
from shared.replayed import counts
from shared.topology import CLASSIFIER, NOTIFIER

AT_ONCE = 500
"""Events asked for in one statement."""

Failed = Callable[[str], Awaitable[frozenset[tuple[str, str]]]]
"""Consumer and event of what is parked of a replay."""


@dataclass(frozen=True)
class Outcomes:
    """The outcome tables of each consumer, and where the journal is that they are put down in."""

    journal: AsyncEngine
    tables: Mapping[str, tuple[AsyncEngine, sa.Table]]
    failed: Failed

    async def noted(self, replay_id: str) -> int:
        """How many of the events that the replay itself sent have an outcome."""
        total = 0
        for engine, table in self.tables.values():
            async with transaction(engine) as connection:
                found = await counts(connection, table, replay_id, sent=True)
            total += sum(sum(one.values()) for one in found.values())
        return total

    async def made(self, replay_id: str) -> dict[str, int]:
        """What became of what was made of the replay's events, as `journal.Counts` has it.

        What a classifier has `processed` it has sent on, one event of each. Empty if it has none.
        Only `settle` can tell what of it is parked; here it is open.
        """
        engine, table = self.tables[CLASSIFIER.name]
        async with transaction(engine) as connection:
            own = await counts(connection, table, replay_id, sent=True)
        found = Counter({"sent": sum(one.get("processed", 0) for one in own.values())})
        for engine, table in self.tables.values():
            async with transaction(engine) as connection:
                every = await counts(connection, table, replay_id)
                own = await counts(connection, table, replay_id, sent=True)
            for handler, by_outcome in every.items():
                found.update(by_outcome)
                found.subtract(own.get(handler, {}))
        found["open"] = 2 * found["sent"] - found.total()
        return {outcome: count for outcome, count in found.items() if count > 0}

    async def settle(self, replay_id: str) -> dict[str, int]:
        """Put down every outcome that is known by now; what came of what was made, as `made`.

        What has none stays open. Parking is looked into only where something is: looking takes it
        in hand.
        """
        left, made = 0, await self.made(replay_id)
        for consumer, (engine, table) in self.tables.items():
            after = ""
            while page := await self._without(replay_id, consumer, after):
                after = page[-1]
                found = await _outcomes(engine, table, replay_id, page)
                await self._put_down(replay_id, consumer, found)
                left += len(page) - len(found)
        if not left and not made.get("open"):
            return made
        parked = await self.failed(replay_id)
        for consumer, event in parked:
            await self._put_down(replay_id, consumer, {event: "failed"})
        failed = min(len(parked) - await self._own(replay_id, parked), made.get("open", 0))
        told = {**made, "failed": failed, "open": made.get("open", 0) - failed}
        return {outcome: count for outcome, count in told.items() if count > 0}

    async def _own(self, replay_id: str, parked: Collection[tuple[str, str]]) -> int:
        """How many of these the replay itself sent."""
        events = replay_events.c
        found: set[tuple[str, str]] = set()
        ids = sorted({event for _, event in parked})
        async with transaction(self.journal) as connection:
            for start in range(0, len(ids), AT_ONCE):
                some = events.event_id.in_(ids[start : start + AT_ONCE])
                rows = await connection.execute(
                    sa.select(events.consumer, events.event_id).where(
                        events.replay_id == replay_id, some
                    )
                )
                found |= {(row.consumer, row.event_id) for row in rows}
        return len(found & {*parked})

    async def _without(self, replay_id: str, consumer: str, after: str) -> list[str]:
        """Ids of some events that have no outcome yet, or had failed and may have been mended."""
        events = replay_events.c
        statement = (
            sa.select(events.event_id)
            .where(
                events.replay_id == replay_id,
                events.consumer == consumer,
                events.event_id > after,
                _is_open(),
            )
            .order_by(events.event_id)
            .limit(AT_ONCE)
        )
        async with transaction(self.journal) as connection:
            return list(await connection.scalars(statement))

    async def _put_down(self, replay_id: str, consumer: str, found: Mapping[str, str]) -> None:
        if not found:
            return
        events = replay_events.c
        async with transaction(self.journal) as connection:
            await connection.execute(
                replay_events.update()
                .where(
                    events.replay_id == replay_id,
                    events.consumer == consumer,
                    events.event_id == sa.bindparam("event"),
                    _is_open(),
                )
                .values(outcome=sa.bindparam("result")),
                [{"event": event, "result": result} for event, result in sorted(found.items())],
            )


def _is_open() -> sa.ColumnElement[bool]:
    return sa.or_(replay_events.c.outcome.is_(None), replay_events.c.outcome == "failed")


async def _outcomes(
    engine: AsyncEngine, table: sa.Table, replay_id: str, events: Collection[str]
) -> dict[str, str]:
    async with transaction(engine) as connection:
        rows = await connection.execute(
            sa.select(table.c.event_id, table.c.outcome).where(
                table.c.replay_id == replay_id, table.c.event_id.in_(events)
            )
        )
    return {row.event_id: row.outcome for row in rows}


def outcomes_of(journal: AsyncEngine, stores: Stores, failed: Failed) -> Outcomes:
    """The outcomes of the consumers whose stores are given."""
    tables = {
        CLASSIFIER.name: (stores.classifier, classifier.outcomes),
        NOTIFIER.name: (stores.notifier, notifier.outcomes),
    }
    return Outcomes(journal, tables, failed)
