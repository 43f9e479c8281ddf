"""What a replay would do: counted while the archive is read, and nothing is sent."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from services.console.archive.recorded import Read, Recorded
from services.console.replay.facts import facts_of
from services.console.replay.routes import Routes, Why
from services.console.replay.selection import Selection, select

SHOWN = 5
"""Events shown of those that are chosen, and entries named of those that cannot be read."""

SENT_A_SECOND = 1_000
"""About what is sent and put down in a second where nothing limits it; for the estimate only."""


@dataclass
class Plan:
    """What is chosen and what is left out, and why. `end` is the last position that was read.

    Of chosen events `first` and `last` are instants of the archive. Memory grows with days and
    topics, not with events.
    """

    chosen: int = 0
    end: int = -1
    first: datetime | None = None
    last: datetime | None = None
    by_type: Counter[str] = field(default_factory=Counter)
    by_topic: Counter[str] = field(default_factory=Counter)
    by_day: Counter[date] = field(default_factory=Counter)
    by_queue: Counter[str] = field(default_factory=Counter)
    left_out: Counter[Why] = field(default_factory=Counter)
    sample: list[Recorded] = field(default_factory=list)
    unreadable: list[Recorded] = field(default_factory=list)

    def add(self, entry: Recorded, routes: Routes) -> None:
        """Count one entry that is selected; its day is in UTC."""
        to = routes.of(entry)
        if isinstance(to, str):
            self.left_out[to] += 1
            if to == "unreadable" and len(self.unreadable) < SHOWN:
                self.unreadable.append(entry)
            return
        event, at = entry.event(), entry.published_at
        self.chosen += 1
        self.first, self.last = min(self.first or at, at), max(self.last or at, at)
        self.by_type[event.ROUTING_KEY] += 1
        self.by_topic.update(facts_of(event).topics)
        self.by_day[at.date()] += 1
        self.by_queue[to.name] += 1
        if len(self.sample) < SHOWN:
            self.sample.append(entry)

    def duration(self, rate: float | None, speed: float | None) -> timedelta:
        """How long sending takes, about: at `rate` a second, and `speed` times the original."""
        span = self.last - self.first if self.first and self.last else timedelta()
        by_speed = span.total_seconds() / speed if speed else 0.0
        return timedelta(seconds=max(self.chosen / (rate or SENT_A_SECOND), by_speed))


async def plan(read: Read, selection: Selection, routes: Routes) -> Plan:
    """Read an archive through and count. Raises what reading raises."""
    tap, found = _Tap(read, selection), Plan()
    async for entry in select(tap.read, selection):
        found.add(entry, routes)
    found.end = tap.end
    if tap.marked:
        found.left_out["made-by-a-replay"] = tap.marked
    return found


@dataclass
class _Tap:
    """Sees what a selection passes over: what replays made, of what else would be meant."""

    source: Read
    selection: Selection
    end: int = -1
    marked: int = 0

    async def read(self) -> AsyncIterator[Recorded]:
        self.marked = 0
        async for entry in self.source():
            self.end = max(self.end, entry.position)
            marked = entry.marks.replay_id if entry.marks else None
            if marked is not None and self.selection.replay_id is None:
                self.marked += replace(self.selection, replay_id=marked).wants(entry)
            yield entry


def bounded(read: Read, end: int) -> Read:
    """The archive as it was when `end` was its last position: later events are not seen."""

    async def until() -> AsyncIterator[Recorded]:
        async for entry in read():
            if entry.position > end:
                return
            yield entry

    return until
