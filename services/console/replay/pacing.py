"""When each event may go: at most so many a second, and in the pace of the original."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Timer:
    """Seconds that pass, and a way to let them: the machine's, or a test's."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


CATCH_UP = 5.0
"""Seconds: a shorter delay is caught up with in the pace of the original, a pause is not."""


@dataclass
class Pace:
    """The schedule of one run of a replay; it begins anew with each run.

    `rate` is in events a second, and is never exceeded; `speed` is how many times faster than it
    was (60: an hour in a minute). None is no limit. An event that is older than the one before it
    goes with that one.
    """

    rate: float | None = None
    speed: float | None = None
    _next: float = 0.0
    _latest: float = 0.0
    _shift: float | None = None

    def due(self, at: datetime, now: float) -> float:
        """When the next event may go, which happened at that instant; both by the same timer."""
        due = max(now, self._next)
        if self.speed:
            due = max(due, self._in_pace(at.timestamp() / self.speed, now))
        if self.rate:
            self._next = due + 1 / self.rate
        return due

    def _in_pace(self, original: float, now: float) -> float:
        self._latest = max(self._latest, original)
        if self._shift is None or now > self._latest + self._shift + CATCH_UP:
            self._shift = now - self._latest
        return self._latest + self._shift
