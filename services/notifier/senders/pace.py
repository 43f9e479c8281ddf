"""How fast a channel may be used: so many messages a second for one domain, or one Slack channel.

A token bucket for each key. Time is a monotonic clock's seconds: the wall clock may be put back.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic

_KEYS = 10_000
"""Keys that are remembered at most; one that is full again can be forgotten without a loss."""


@dataclass
class Buckets:
    """A rule without a clock: `per_second` for each key, `burst` at once after a silence."""

    per_second: float
    burst: float = 1.0
    _free_at: dict[str, float] = field(default_factory=dict)

    def reserve(self, key: str, now: float) -> float:
        """Take the key's next turn; the seconds to wait until it comes."""
        step = 1.0 / self.per_second
        earliest = now - (self.burst - 1.0) * step
        turn = max(self._free_at.get(key, earliest), earliest)
        self._remember(key, turn + step, now)
        return max(0.0, turn - now)

    def hold(self, key: str, seconds: float, now: float) -> None:
        """Nobody's turn comes before that: the other side asked for it."""
        self._remember(key, max(self._free_at.get(key, now), now + seconds), now)

    def wait(self, key: str, now: float) -> float:
        """The seconds until the next turn of a key, without taking it."""
        return max(0.0, self._free_at.get(key, now) - now)

    def _remember(self, key: str, free_at: float, now: float) -> None:
        if len(self._free_at) >= _KEYS:
            full = now - self.burst / self.per_second
            self._free_at = {one: at for one, at in self._free_at.items() if at > full}
        self._free_at[key] = free_at


@dataclass(frozen=True)
class Pace:
    """Buckets by a clock: whoever comes waits for its turn."""

    buckets: Buckets
    seconds: Callable[[], float] = monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def turn(self, key: str) -> None:
        """Return when it is this key's turn."""
        wait = self.buckets.reserve(key, self.seconds())
        if wait > 0:
            await self.sleep(wait)

    def hold(self, key: str, seconds: float) -> None:
        """Let nobody of this key go before so many seconds have passed."""
        self.buckets.hold(key, seconds, self.seconds())

    def held(self, key: str) -> float:
        """The seconds until somebody of this key may go."""
        return self.buckets.wait(key, self.seconds())
