"""The sandbox's clock: from event to event, and from one due instant to the next.

Events are fed in quarters of an hour, which is how often the most impatient readers are told; what
is due at the end of one is cut after its events, as by a notifier that is never behind.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

from services.console.replay.sandbox.post import Post
from services.console.replay.sandbox.spool import Spooled
from services.console.replay.sandbox.world import World
from services.notifier.schedule import BUNDLE, next_due
from services.notifier.subscription import Subscription

AT_ONCE = 200
"""Events in hand at once."""

LONGEST_SILENCE = timedelta(days=35)
"""Of a longer time without any event only the end is lived: it is longer than any cadence."""


class Life:
    """A world that lives through its events."""

    def __init__(self, world: World, subscriptions: Collection[Subscription], post: Post) -> None:
        self._world = world
        self._post = post
        self._patience = world.office.patience.max_wait
        self._hourly = any(
            one.cadence == "immediate" or one.notices == "at-once" for one in subscriptions
        )
        self._patient = {one.id for one in subscriptions if one.cadence != "immediate"}
        rhythms = {one.rhythm for one in subscriptions if one.cadence != "immediate"}
        self._next = {one: next_due(one, world.hand.now) for one in rhythms}
        self._slot = world.hand.now
        self._again: datetime | None = None
        self.skipped: list[tuple[datetime, datetime]] = []

    async def through(self, events: Iterable[Spooled]) -> None:
        """Live through the events, and all that is due before the end of the last of them."""
        for quarter, some in groupby(events, key=lambda one: quarter_of(one.at)):
            await self._up_to(quarter, including=False)
            for batch in _batches(some):
                self._world.hand.now = max(one.at for one in batch)
                await self._world.feed(batch)
            if self._hourly or self._again or quarter in self._next.values():
                await self._deliver(quarter)

    async def until(self, end: datetime) -> None:
        """Live on until then, though no event comes any more, and until no digest waits."""
        await self._up_to(end, including=True)
        while self._again and (stop := self._stop()):
            await self._deliver(stop)
        self._world.hand.now = max(self._world.hand.now, end)

    async def _up_to(self, end: datetime, *, including: bool) -> None:
        now = self._world.hand.now
        if end - now > LONGEST_SILENCE:
            self.skipped.append((now, end))
            self._world.hand.now = end - LONGEST_SILENCE
            self._move_on()
        while (stop := self._stop()) and (stop < end or (including and stop == end)):
            await self._deliver(stop)

    def _stop(self) -> datetime | None:
        return min([*self._next.values(), *([self._again] if self._again else [])], default=None)

    async def _deliver(self, at: datetime) -> None:
        self._world.hand.now = at
        if at in self._next.values():
            self._slot = at
        left = await self._world.deliver()
        await self._post.write_sent(self._world)
        self._move_on()
        waits = not self._patient.isdisjoint(left) and at < self._slot + self._patience
        self._again = at + BUNDLE if waits else None

    def _move_on(self) -> None:
        now = self._world.hand.now
        for rhythm, at in self._next.items():
            if at <= now:
                self._next[rhythm] = next_due(rhythm, now)


def quarter_of(at: datetime) -> datetime:
    """The end of its quarter of an hour, of UTC."""
    seconds = BUNDLE.total_seconds()
    return datetime.fromtimestamp(-(-at.timestamp() // seconds) * seconds, UTC)


def _batches(events: Iterable[Spooled]) -> Iterator[Sequence[Spooled]]:
    batch: list[Spooled] = []
    for one in events:
        batch.append(one)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
