"""NCBI's limit: 3 requests a second without an API key, 10 with one.

Source: https://www.ncbi.nlm.nih.gov/books/NBK25497/ ("Minimizing the Number of Requests").
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

PER_SECOND = 3.0
PER_SECOND_WITH_KEY = 10.0
_MARGIN = 1.05
"""Evenly spaced requests arrive unevenly: a little more room keeps any second within the limit."""


class Limiter:
    """Gives out evenly spaced slots, in the order they are asked for, to all tasks of a process."""

    def __init__(
        self,
        per_second: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._gap = _MARGIN / per_second
        self._monotonic = monotonic
        self._sleep = sleep
        self._free_at = 0.0

    async def slot(self) -> None:
        """Wait for the next slot."""
        now = self._monotonic()
        at = max(now, self._free_at)
        self._free_at = at + self._gap
        if at > now:
            await self._sleep(at - now)

    def pause(self, seconds: float) -> None:
        """Give out no slot for this long: NCBI counts by address or key, not by task."""
        self._free_at = max(self._free_at, self._monotonic() + seconds)


def limiter_for(api_key: str | None) -> Limiter:
    """The limiter that NCBI's rules ask for."""
    return Limiter(PER_SECOND_WITH_KEY if api_key else PER_SECOND)
