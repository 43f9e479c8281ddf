"""NCBI's limit: 3 requests a second without an API key, 10 with one.

Source: https://www.ncbi.nlm.nih.gov/books/NBK25497/ ("Minimizing the Number of Requests").
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from services.poller.eutils.retry import Timing

PER_SECOND = 3.0
PER_SECOND_WITH_KEY = 10.0
LONGEST_PAUSE = 600.0
"""Seconds. Whoever asks us to wait longer is asked again after this: a poll does not hang on it."""

_MARGIN = 1.17
"""Slots are spaced by this share of the limit's own spacing..."""
_LATENESS = 0.15
"""...and are used at most so many seconds late, so that no second holds more than the limit."""
_MISSES = 4
"""So many missed in a row: whatever is this slow does not come in bursts either."""


@dataclass(frozen=True)
class Slot:
    """A start that is ours, `wait` seconds from now, or up to `doubt` seconds before that."""

    wait: float
    doubt: float = 0.0


class Pace(Protocol):
    """Where slots are counted: for one process, or for all that share a database."""

    async def reserve(self, gap: float, ahead: float = 0.0) -> Slot:
        """The next free slot, at least `ahead` seconds from now; the one after it is `gap` later.

        Raises:
            Retryable: it cannot be told now.
        """

    async def hold(self, seconds: float) -> None:
        """Give out no slot for so long.

        Raises:
            Retryable: it cannot be noted now.
        """


class ProcessPace:
    """Slots for the tasks of one process."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._free_at = 0.0

    async def reserve(self, gap: float, ahead: float = 0.0) -> Slot:
        """See `Pace`."""
        now = self._monotonic()
        at = max(now + ahead, self._free_at)
        self._free_at = at + gap
        return Slot(at - now)

    async def hold(self, seconds: float) -> None:
        """See `Pace`."""
        self._free_at = max(self._free_at, self._monotonic() + seconds)


class Limiter:
    """Gives out evenly spaced slots, in the order they are asked for."""

    def __init__(
        self, per_second: float, pace: Pace | None = None, timing: Timing | None = None
    ) -> None:
        self._gap = _MARGIN / per_second
        self._timing = timing or Timing()
        self._pace = pace or ProcessPace(self._timing.monotonic)
        self._turn = asyncio.Lock()
        self._pauses = 0

    async def slot(self) -> None:
        """Wait for the next slot. One that was missed, or paused over, is lost: wait for another.

        Never call this inside a database transaction: slots may be counted in the same database.

        Raises:
            Retryable: as `Pace.reserve`.
        """
        ahead, misses = 0.0, 0
        while True:
            pauses = self._pauses
            late = await self._lateness(ahead)
            misses += late > _LATENESS
            if pauses == self._pauses and (late <= _LATENESS or misses > _MISSES):
                return
            # A database that takes this long to answer is asked for a slot that far away.
            ahead = max(late, 0.0)

    async def _lateness(self, ahead: float) -> float:
        """Reserve a slot and wait for it: how many seconds after it we are, at most."""
        # One at a time: the tasks keep their order, and a database sees one of them.
        async with self._turn:
            slot = await self._pace.reserve(self._gap, ahead)
            at = self._timing.monotonic() + slot.wait
        if slot.wait > 0:
            await self._timing.sleep(slot.wait)
        return self._timing.monotonic() - at + slot.doubt

    async def pause(self, seconds: float) -> None:
        """Give out no slot for this long: NCBI counts by address or key, not by task.

        Raises:
            Retryable: as `Pace.hold`.
        """
        self._pauses += 1
        await self._pace.hold(min(seconds, LONGEST_PAUSE))


def limiter_for(
    api_key: str | None, pace: Pace | None = None, timing: Timing | None = None
) -> Limiter:
    """The limiter that NCBI's rules ask for, counting in `pace`; without one, for this process."""
    return Limiter(per_second(api_key), pace, timing)


def per_second(api_key: str | None) -> float:
    """Requests a second that NCBI allows with that key, or without one."""
    return PER_SECOND_WITH_KEY if api_key else PER_SECOND
