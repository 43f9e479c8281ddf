"""A place for replays without a broker: queues that are lists, on a database that is given."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from services.console.replay.carrier import Carrier
from services.console.replay.outcomes import Outcomes, outcomes_of
from services.console.replay.place import Place
from services.console.replay.sending import Sending
from services.console.stores import embedded_stores, embedded_url
from shared.database import make_engine, transaction
from shared.migrate import upgrade
from shared.outbox import Outgoing
from shared.replayed import Outcome, Result, note
from tests.builders import NOON

Consume = Callable[[Sending], Result | None]


@dataclass
class Queues:
    """Takes what is sent; `consume` says at once what becomes of it, None nothing yet.

    What a classifier processes it sends on, and `after_that` says what becomes of that.

    `faults` are raised by the next batches, before (or, in `after`, when) they are taken. `line` is
    how many messages wait for their consumers.
    """

    outcomes: Outcomes
    replay_id: str
    consume: Consume = lambda _: "deduplicated"
    after_that: Result | None = "skipped"
    taken: list[Sending] = field(default_factory=list)
    told: list[Outgoing] = field(default_factory=list)
    before: list[Exception] = field(default_factory=list)
    after: list[BaseException | None] = field(default_factory=list)
    line: Callable[[], int] = lambda: 0

    async def send(self, batch: tuple[Sending, ...]) -> None:
        if self.before:
            raise self.before.pop(0)
        self.taken += batch
        for one in batch:
            await self.handled(one)
        if self.after and (fault := self.after.pop(0)):
            raise fault

    async def waiting(self) -> int:
        return self.line()

    async def handled(self, one: Sending, result: Result | None = None) -> None:
        result = result or self.consume(one)
        if result is None:
            return
        outcome = Outcome(self.replay_id, one.event_id, f"{one.consumer}.v1", result)
        await self._note(one.consumer, outcome)
        if (one.consumer, result) == ("classifier", "processed") and self.after_that:
            made = one.event_id[::-1]
            await self._note("notifier", Outcome(self.replay_id, made, "n.v1", self.after_that, 2))

    async def _note(self, consumer: str, outcome: Outcome) -> None:
        engine, table = self.outcomes.tables[consumer]
        async with transaction(engine) as connection:
            await note(connection, table, [outcome], NOON)

    async def tell(self, event: Outgoing) -> None:
        self.told.append(event)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Carrier]:
        yield self  # type: ignore[misc]


@dataclass
class Parking:
    """Consumer and event of what is parked."""

    parked: set[tuple[str, str]] = field(default_factory=set)

    async def failed(self, replay_id: str) -> frozenset[tuple[str, str]]:
        return frozenset(self.parked)


@asynccontextmanager
async def a_place(folder: Path, replay_id: str) -> AsyncIterator[tuple[Place, Queues, Parking]]:
    stores, engine = embedded_stores(folder), make_engine(embedded_url(folder, "bus"))
    await stores.migrate()
    await upgrade(engine, "console")
    parking = Parking()
    outcomes = outcomes_of(engine, stores, parking.failed)
    queues = Queues(outcomes, replay_id)
    try:
        yield Place(engine, outcomes, queues.connect, _nothing), queues, parking
    finally:
        await stores.close()
        await engine.dispose()


async def _nothing() -> None:
    """Every queue is there."""
