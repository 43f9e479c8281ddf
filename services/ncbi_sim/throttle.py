"""NCBI's request limit: 3 a second for an address, 10 a second for an API key.

See https://www.ncbi.nlm.nih.gov/books/NBK25497/#chapter2.Usage_Guidelines_and_Requirements
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

WITHOUT_KEY = 3
WITH_KEY = 10

_WINDOW_SECONDS = 1.0


@dataclass(frozen=True)
class Excess:
    """A request over the limit: whose it is, how many came within a second, and the limit."""

    caller: str
    count: int
    limit: int


@dataclass
class Throttle:
    """Counts the requests of each caller within the last second of `clock` (seconds)."""

    clock: Callable[[], float]
    _seen: dict[str, deque[float]] = field(default_factory=dict)

    def check(self, api_key: str, address: str) -> Excess | None:
        """Count a request; what it is over the limit by, or None. Refused requests count too."""
        now = self.clock()
        self._forget(now - _WINDOW_SECONDS)
        caller, limit = (api_key, WITH_KEY) if api_key else (address, WITHOUT_KEY)
        times = self._seen.setdefault(caller, deque())
        times.append(now)
        return Excess(caller, len(times), limit) if len(times) > limit else None

    def left(self, api_key: str, address: str) -> tuple[int, int]:
        """The limit of a caller, and how many requests it has left within this second."""
        caller, limit = (api_key, WITH_KEY) if api_key else (address, WITHOUT_KEY)
        return limit, max(limit - len(self._seen.get(caller, ())), 0)

    def _forget(self, before: float) -> None:
        for caller, times in list(self._seen.items()):
            while times and times[0] <= before:
                times.popleft()
            if not times:
                del self._seen[caller]
