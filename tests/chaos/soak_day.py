"""A day goes by: messages into the outbox, the clock with them, and trouble now and then."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier import tables as classifier
from services.poller import tables as poller
from shared.database import insert, transaction
from shared.errors import Retryable
from shared.outbox import Outgoing, pending
from shared.topology import CONSUMERS, RETRY_DELAYS, ConsumerQueue
from tests.chaos.soak_crew import Crew
from tests.chaos.soak_engines import Management, Queues, backends, cut_backends
from tests.chaos.soak_judge import Point
from tests.chaos.soak_mix import Mix

log = structlog.get_logger(__name__)

BEGINS = datetime(2026, 9, 7, 5, tzinfo=UTC)
BATCH = 100
BACKLOG = 1_500
"""Messages on their way at once: the line is kept busy, and holds what it would at its pace."""

STEPS = range(1, len(RETRY_DELAYS) + 1)
PARKED = tuple(queue.parked for queue in CONSUMERS)


@dataclass
class Day:
    """One run. `rate` is messages a simulated second, `speed` how much faster than that at most.

    `fed` is from when to when messages were put in, in the clock's seconds.
    """

    crew: Crew
    engine: AsyncEngine
    management: Management
    queues: Queues
    mix: Mix
    consumers: Sequence[ConsumerQueue] = CONSUMERS
    rate: float = 50.0
    speed: float = 0.0
    trouble_every: int = 15_000
    restart_every: int = 180_000
    backlog: int = BACKLOG
    fed: tuple[float, float] = (0.0, 0.0)
    readings: dict[tuple[str, str], list[Point]] = field(default_factory=dict)
    happened: Counter[str] = field(default_factory=Counter)

    @property
    def now(self) -> datetime:
        """The simulated time: it goes as the messages do."""
        return BEGINS + timedelta(seconds=self.mix.sent / self.rate)

    async def feed(self, messages: int, until: float) -> None:
        """Put so many messages in, as the line takes them; not longer than `until` (monotonic).

        Raises:
            RuntimeError: a process ended by itself; what is on its way would wait for ever.
        """
        began, at = time.monotonic(), time.time()
        trouble = asyncio.create_task(self._trouble())
        try:
            while self.mix.sent < messages and time.monotonic() < until:
                batch = self.mix.batch(min(BATCH, messages - self.mix.sent), self.now)
                await self._put_until_done(batch)
                self.crew.show(self.now)
                await self._wait(began, until)
        finally:
            trouble.cancel()
            self.fed = (at, time.time())

    async def drained(self, within: float) -> bool:
        """Whether, within so many seconds, nothing is on its way any more."""
        ends = time.monotonic() + within
        quiet = 0
        while quiet < 5 and time.monotonic() < ends:
            quiet = 0 if await self._on_the_way(waits=True) else quiet + 1
            await asyncio.sleep(1)
        return quiet >= 5

    async def read(self, seconds: float) -> None:
        """Take readings of broker and database, for ever, and keep them in the folder too."""
        while True:
            at = time.time()
            found = await self.management.numbers() | await backends(self.engine)
            with (self.crew.folder / "engines.jsonl").open("a", encoding="ascii") as file:
                file.write(json.dumps({"at": at, "sent": self.mix.sent, **found}) + "\n")
            for what, value in found.items():
                self.readings.setdefault(("engines", what), []).append((at, value))
            await asyncio.sleep(seconds)

    async def _put(self, batch: list[Outgoing]) -> None:
        rows = [
            {
                "event_id": one.event_id, "type": one.type, "routing_key": one.routing_key,
                "body": one.body, "created_at": self.now,
            }
            for one in {one.event_id: one for one in batch}.values()
        ]  # fmt: skip
        async with transaction(self.engine) as connection:
            await connection.execute(
                insert(connection, poller.outbox).on_conflict_do_nothing(), rows
            )

    async def _wait(self, began: float, until: float) -> None:
        if self.speed:
            due = began + self.mix.sent / (self.rate * self.speed)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        while await self._on_the_way() > self.backlog and time.monotonic() < until:
            if ended := self.crew.ended():
                raise RuntimeError(f"ended by themselves: {', '.join(ended)}; see the logs")
            await asyncio.sleep(0.25)

    async def _on_the_way(self, *, waits: bool = False) -> int:
        """Messages in outboxes and queues, and in `waits`; very many while nobody can be asked."""
        names = [name for queue in self.consumers for name in (queue.name, queue.suspects)]
        if waits:
            names += [queue.retry(step) for queue in self.consumers for step in STEPS]
        try:
            async with transaction(self.engine) as connection:
                outboxes = [await pending(connection, t.outbox) for t in (poller, classifier)]
            waiting = await self.queues.ready(names)
        except Exception:  # noqa: BLE001  broker or database are away just now
            return self.backlog + 1
        return sum(outboxes) + sum(waiting.values())

    async def _trouble(self) -> None:
        """By turns cut clients off from the broker and from the database; restart the broker."""
        kinds: list[tuple[str, Callable[[], Awaitable[object]]]] = [
            ("broker cut off", self.management.close_connections),
            ("database cut off", lambda: cut_backends(self.engine)),
        ]
        done = restarts = 0
        while True:
            await asyncio.sleep(0.5)
            if self.mix.sent >= (restarts + 1) * self.restart_every:
                restarts += 1
                await self._bring("broker restarted", self.management.restart)
            elif self.mix.sent >= (done + 1) * self.trouble_every:
                await self._bring(*kinds[done % 2])
                done += 1

    async def _bring(self, name: str, act: Callable[[], Awaitable[object]]) -> None:
        try:
            await act()
        except Exception as fault:  # noqa: BLE001  trouble on trouble: tried again next time
            log.warning("trouble_failed", what=name, reason=f"{type(fault).__name__}: {fault}")
        else:
            self.happened[name] += 1

    async def _put_until_done(self, batch: list[Outgoing]) -> None:
        while True:
            try:
                return await self._put(batch)
            except Retryable:
                await asyncio.sleep(0.25)
