"""A replay at work: batch after batch into the queues, each put down when it is safe."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.archive.ahead import ahead
from services.console.archive.publishing import BATCH
from services.console.archive.recorded import Read
from services.console.replay import journal, sending
from services.console.replay.carrier import Carrier
from services.console.replay.journal import Standing, Wanted
from services.console.replay.outcomes import Outcomes
from services.console.replay.pacing import Pace, Timer
from services.console.replay.planning import bounded
from services.console.replay.selection import select
from services.console.replay.sending import Sending
from shared.clock import Clock
from shared.database import transaction
from shared.errors import Away

log = structlog.get_logger(__name__)

BATCH_BYTES = 8_000_000
"""Of bodies in memory at once; an event is rarely more than some 20 KB."""
TICK = 0.2
"""Seconds that an event may go early: what is due within them goes in one batch."""
ALIVE_SECONDS = 5.0
"""Between two words that the holder lives, where no batch says so; far less than a lease."""
PATIENCE_SECONDS = 60.0
"""So long a broker or database may be away before the replay is left for another time."""
WAITING = 1_000
"""Messages in a consumer's queue, behind which a replay waits: live events stand in line there too,
and a digest does not wait for them for ever."""
LOOK_SECONDS = 5.0
"""Without an outcome, before it is looked whether the rest is parked."""

End = Literal["done", "paused", "cancelled"]
Connect = Callable[[], AbstractAsyncContextManager[Carrier]]
Tell = Callable[[int, int], None]
"""Is told how many events were gone through, and how many of them have an outcome."""


class _Stop(Exception):
    """Somebody wants it to stop here."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__(wanted)
        self.wanted = wanted


@dataclass
class Runner:
    """One process that holds one replay. `stopped` says whether its operator wants a pause."""

    engine: AsyncEngine
    replay_id: str
    holder: str
    clock: Clock
    stopped: Callable[[], bool] = lambda: False
    tell: Tell = lambda gone, noted: None
    timer: Timer = field(default_factory=Timer)
    _said: float = 0.0
    _batches: int = 0
    _pace: Pace | None = None

    async def run(self, read: Read, connect: Connect, outcomes: Outcomes, wait: float) -> End:
        """Send what is left to be sent, then wait for outcomes: `wait` seconds without a new one.

        Raises:
            Away: broker or database are away for long. Run again, it goes on where it was.
            Lost: another process runs this replay now.
            Permanent: a queue is not there.
        """
        try:
            await self._patiently(partial(self._sent, read, connect))
            await self._patiently(partial(self._followed, outcomes, wait))
        except _Stop as stop:
            return stop.wanted
        return "done"

    async def _sent(self, read: Read, connect: Connect) -> None:
        """All that is not put down yet; begun anew, it keeps its pace."""
        found = await self._standing()
        self._pace = self._pace or Pace(found.order.rate, found.order.speed)
        async with connect() as carrier:
            await self._send(found, read, carrier, self._pace)

    async def _patiently(self, work: Callable[[], Awaitable[None]]) -> None:
        """Work that is begun anew, where it stands, when an engine was away for a while."""
        waited, pause = 0.0, 0.5
        while True:
            before = self._batches
            try:
                await work()
            except Away as fault:
                if self._batches > before:
                    waited, pause = 0.0, 0.5
                if waited >= PATIENCE_SECONDS:
                    raise
                log.warning("replay_waits", replay_id=self.replay_id, reason=str(fault))
            else:
                return
            await self.timer.sleep(pause)
            waited, pause = waited + pause, min(pause * 2, 10.0)

    async def _send(self, found: Standing, read: Read, carrier: Carrier, pace: Pace) -> None:
        order, ways = found.order, found.order.routes()
        batch = _Batch(position=found.position, gone=found.sent + found.repeated)
        entries = select(bounded(read, order.end), order.selection)
        async with aclosing(ahead(entries, BATCH)) as archive:
            async for entry in archive:
                if entry.position <= found.position:
                    continue
                await self._alive()
                to = ways.of(entry)
                if isinstance(to, str):
                    continue
                due = pace.due(entry.published_at, self.timer.now())
                if due > self.timer.now() + TICK or batch.is_full:
                    await self._flush(batch, carrier)
                await self._until(due)
                batch.add(order.sending(entry, to.name), entry.position)
            await self._flush(batch, carrier)

    async def _flush(self, batch: "_Batch", carrier: Carrier) -> None:
        """Send the batch and put it down; killed in between, the same batch is sent once more."""
        if not batch.events:
            return
        ids = {one.event_id for one in batch.events}
        async with transaction(self.engine) as connection:
            known = await sending.known(connection, self.replay_id, ids)
        fresh = {one.key: one for one in batch.events if one.key not in known}
        if fresh:
            await self._room(carrier)
            await carrier.send(tuple(fresh.values()))
        repeated = len(batch.events) - len(fresh)
        async with transaction(self.engine) as connection:
            wanted = await journal.advance(
                connection,
                (self.replay_id, self.holder),
                (tuple(fresh.values()), repeated),
                batch.position,
                self.clock(),
            )
        batch.emptied()
        self._batches += 1
        self._said = self.timer.now()
        self.tell(batch.gone, 0)
        self._heed(wanted)

    async def _room(self, carrier: Carrier) -> None:
        """Wait until consumers have nearly caught up, however long that is."""
        begun, told = self.timer.now(), False
        while await carrier.waiting() >= WAITING:
            if not told and self.timer.now() - begun >= PATIENCE_SECONDS:
                log.warning("replay_waits_for_consumers", replay_id=self.replay_id)
                told = True
            await self.timer.sleep(0.5)
            await self._alive()

    async def _followed(self, outcomes: Outcomes, wait: float) -> None:
        """Until everything that was sent has an outcome, or none comes any more."""
        found = await self._standing()
        best, since = -1, self.timer.now()
        look = since + LOOK_SECONDS
        while True:
            noted, made = await outcomes.noted(self.replay_id), await outcomes.made(self.replay_id)
            now, every = self.timer.now(), noted + sum(made.values()) - made.get("open", 0)
            if every > best:
                best, since, look = every, now, now + LOOK_SECONDS
            self.tell(found.sent + found.repeated, noted)
            if noted >= found.sent or now >= look:
                look = now + LOOK_SECONDS
                if not await self._open(outcomes):
                    return
            if now - since >= wait:
                await outcomes.settle(self.replay_id)
                return
            await self._until(now + 1.0)

    async def _open(self, outcomes: Outcomes) -> int:
        made = await outcomes.settle(self.replay_id)
        async with transaction(self.engine) as connection:
            found = await sending.tally(connection, self.replay_id)
        return sum(one.get("open", 0) for one in (*found.values(), made))

    async def _until(self, due: float) -> None:
        """Let time pass; a second at most goes by before a pause is heeded."""
        while (left := due - self.timer.now()) > 0:
            if left <= TICK:
                return
            await self.timer.sleep(min(left, 1.0))
            await self._alive()

    async def _alive(self) -> None:
        """Say so from time to time, and heed what an operator wants."""
        if self.stopped():
            raise _Stop("paused")
        if self.timer.now() - self._said < ALIVE_SECONDS:
            return
        self._said = self.timer.now()
        async with transaction(self.engine) as connection:
            self._heed(await journal.keep(connection, self.replay_id, self.holder, self.clock()))

    def _heed(self, wanted: Wanted | None) -> None:
        if wanted is not None:
            raise _Stop(wanted)

    async def _standing(self) -> Standing:
        async with transaction(self.engine) as connection:
            found = await journal.standing(connection, self.replay_id)
        if found is None:
            raise journal.Lost(f"the replay {self.replay_id} is not on record any more")
        return found


@dataclass
class _Batch:
    """Events that go together; `position` is the last one's, `gone` how many went before."""

    position: int
    gone: int
    events: list[Sending] = field(default_factory=list)
    _size: int = 0

    @property
    def is_full(self) -> bool:
        """Whether no more should be in memory."""
        return len(self.events) >= BATCH or self._size >= BATCH_BYTES

    def add(self, event: Sending, position: int) -> None:
        """Take one more along."""
        self.events.append(event)
        self._size += len(event.body)
        self.position = position

    def emptied(self) -> None:
        """All of it is safe."""
        self.gone += len(self.events)
        self._size = 0
        self.events.clear()
