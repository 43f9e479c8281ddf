"""How long to wait before asking again."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Patience:
    """Exponential back-off with full jitter, at most `attempts` calls within `deadline` seconds.

    Full jitter (a wait drawn evenly between 0 and the step) spreads clients that were thrown out
    together; see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.
    """

    attempts: int = 6
    first_step: float = 1.0
    longest_step: float = 60.0
    deadline: float = 180.0

    def wait(self, attempt: int, asked: timedelta | None, chance: float) -> float:
        """Seconds before attempt `attempt + 1`; never less than the other side `asked` for."""
        step = min(self.first_step * 2.0 ** (attempt - 1), self.longest_step)
        least = asked.total_seconds() if asked else 0.0
        return least + step * chance


@dataclass(frozen=True)
class Timing:
    """Time and chance as they come from outside; `chance` is evenly drawn from 0 to 1."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random
