"""The embedded bus: what it took over is handled or parked, whatever the clock does."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from services.console import bus as tables
from services.console.bus import Bus
from services.poller import tables as poller
from shared.errors import Permanent, Retryable
from shared.events import decode
from shared.outbox import relay
from shared.topology import CLASSIFIER, CONSUMERS, NOTIFIER, RETRY_DELAYS, ConsumerQueue
from tests.model.ground import Ground
from tests.model.line import Line

FAULTS: dict[str, type[Exception]] = {
    "passing": Retryable, "lasting": Permanent, "bug": ZeroDivisionError,
}  # fmt: skip
MOODS = st.sampled_from(["well", "well", *FAULTS])
QUEUES = st.sampled_from(CONSUMERS)
JUMPS = st.sampled_from([1, 12, 70, 4000, 30_000, -5, -4000, -30_000_000, 30_000_000])


@dataclass
class Consumer:
    """The real handler, in a mood; `had` are the events that came to their end with it."""

    line: Line
    queue: ConsumerQueue
    mood: str = "well"
    had: Counter[str] = field(default_factory=Counter)

    async def handle(self, body: bytes) -> None:
        if self.mood in FAULTS:
            raise FAULTS[self.mood]("as it was told")
        await self.line.handle(self.queue.name)(body)
        self.had[decode(body).id] += 1


class Riding(RuleBasedStateMachine):
    """Beside the bus, what is true: the `written` events, and how often each attempt failed."""

    ground: Ground

    @initialize()
    def begin(self) -> None:
        self.line = Line(self.ground)
        self.bus = Bus(self.line.engine("console"), self.line.clock)
        self.consumers = {one.name: Consumer(self.line, one) for one in CONSUMERS}
        self.written: dict[str, str] = {}

    @rule(pmid=st.integers(1, 3), polls=st.booleans())
    def events_are_written(self, pmid: int, *, polls: bool) -> None:
        self.written[self.line.run(self.line.find(pmid))] = CLASSIFIER.name
        if polls:
            self.written[self.line.run(self.line.close_poll()).id] = NOTIFIER.name
            self.line.poll += 1

    @rule(dies=st.sampled_from([0, 0, 1]), where=st.sampled_from(["poller", "console"]))
    def the_outbox_is_relayed(self, dies: int, where: str) -> None:
        with self.line.stores[where].dying_at(dies):
            self.line.run(self._relay())

    async def _relay(self) -> int:
        return await relay(self.line.engine("poller"), poller.outbox, self.bus.publish)

    @rule(queue=QUEUES, mood=MOODS, limit=st.integers(1, 3), dies=st.sampled_from([0, 0, 0, 2, 3]))
    def what_is_due_is_delivered(
        self, queue: ConsumerQueue, mood: str, limit: int, dies: int
    ) -> None:
        with self.line.stores["console"].dying_at(dies):
            self._deliver(queue, mood, limit)

    @rule(queue=QUEUES)
    def the_consumer_dies(self, queue: ConsumerQueue) -> None:
        with self.line.stores[queue.name].dying_at(1):
            self._deliver(queue, "well", 1)

    @rule(seconds=JUMPS)
    def the_clock_jumps(self, seconds: int) -> None:
        self.line.clock.advance(seconds=seconds)

    def _deliver(self, queue: ConsumerQueue, mood: str, limit: int) -> int:
        consumer = self.consumers[queue.name]
        consumer.mood = mood
        return self.line.run(self.bus.deliver(queue, consumer.handle, limit))

    @invariant()
    def count(self) -> None:
        self.ground.steps += 1

    @invariant()
    def everything_is_somewhere(self) -> None:
        outbox = self._ids("poller", sa.select(poller.outbox.c.event_id))
        archived = self._ids("console", sa.select(tables.archive.c.event_id))
        assert outbox | archived == self.written.keys()
        for name, consumer in self.consumers.items():
            own = {event for event in archived if self.written[event] == name}
            assert own <= self._at(tables.queue, name) | self._at(tables.parked, name) | (
                consumer.had.keys()
            )

    @invariant()
    def what_is_parked_says_why(self) -> None:
        for row in self.line.rows("console", sa.select(tables.parked)):
            last_try = len(RETRY_DELAYS) + 1
            assert (row.reason == "exhausted") == (row.attempt == last_try and "Retr" in row.error)
            assert row.error
            assert row.first_failed_at

    def _ids(self, store: str, statement: sa.Select[Any]) -> set[str]:
        return {row.event_id for row in self.line.rows(store, statement)}

    def _at(self, table: sa.Table, consumer: str) -> set[str]:
        statement = sa.select(tables.archive.c.event_id).join(
            table, table.c.archived == tables.archive.c.seq
        )
        return self._ids("console", statement.where(table.c.consumer == consumer))

    def teardown(self) -> None:
        if not hasattr(self, "line"):
            return
        try:
            self._settle()
            for name in self.consumers:
                assert not self._at(tables.queue, name), "waits for a time that does not come"
        finally:
            self.line.end()

    def _settle(self) -> None:
        """All is well from now on, and as much time passes as the longest wait."""
        while self.line.run(self._relay()):
            continue
        self.line.clock.advance(seconds=RETRY_DELAYS[-1].total_seconds())
        for queue in CONSUMERS:
            while self._deliver(queue, "well", 100):
                continue


def test_the_bus_brings_everything_to_its_end(ground: Ground, profile: settings) -> None:
    machine = type("Machine", (Riding,), {"ground": ground})
    ground.run(machine, profile)
