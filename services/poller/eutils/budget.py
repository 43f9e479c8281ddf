"""What one poll may cost: it ends in time, and an NCBI that is down is not asked for ever."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

FAILURES = 3
"""So many calls of a utility in a row that failed in spite of all patience: it is down."""


class Budget:
    """The time of one poll, and which utilities failed in it.

    Utilities are counted apart: elink is often down alone, and records can be fetched meanwhile.
    """

    def __init__(
        self, limit: timedelta, monotonic: Callable[[], float], failures: int = FAILURES
    ) -> None:
        self._failures = failures
        self._limit = limit
        self._monotonic = monotonic
        self._ends = monotonic() + limit.total_seconds()
        self._failed: Counter[str] = Counter()
        self._faults: dict[str, str] = {}

    @property
    def left(self) -> float:
        """Seconds to the end; negative after it."""
        return self._ends - self._monotonic()

    def refusal(self, utility: str) -> str | None:
        """Why the utility is not asked any more in this poll; None while it may be."""
        if self.left <= 0:
            return f"the poll's {_words(self._limit)} are over"
        if self._failed[utility] >= self._failures:
            fault = self._faults[utility]
            return (
                f"{utility} failed {self._failures} times in a row in this poll, last with {fault}"
            )
        return None

    def answered(self, utility: str) -> None:
        """A call was answered: the utility is not down."""
        self._failed[utility] = 0

    def failed(self, utility: str, fault: str) -> None:
        """A call failed in spite of all patience."""
        self._failed[utility] += 1
        self._faults[utility] = fault


def _words(limit: timedelta) -> str:
    seconds = limit.total_seconds()
    return f"{seconds / 60:g} minutes" if seconds >= 60 else f"{seconds:g} seconds"
