"""How the damaged answers are told out, and what they may cost."""

import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hypothesis import HealthCheck, seed, settings

ROUND = 500
MOST_BYTES = 50 * 1024 * 1024
MOST_SECONDS = 1.0
"""CPU time of one answer, from the wire to the decision about the cursor."""


@dataclass(frozen=True)
class Round:
    """A part of the examples: hypothesis remembers each, and its memory is not the poller's."""

    number: int
    examples: int

    def __call__(self, test: Callable[..., None]) -> Callable[..., None]:
        quiet = settings(
            max_examples=self.examples,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        )
        return seed(self.number)(quiet(test))


def rounds(examples: int) -> Iterator[Round]:
    for number, start in enumerate(range(0, examples, ROUND)):
        yield Round(number, min(ROUND, examples - start))


def _resident() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@dataclass
class Effort:
    """The longest single answer in CPU seconds, how the process grew, and what came of it all."""

    longest: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    began: int = field(default_factory=_resident)

    def spend(self, work: Callable[[], str]) -> None:
        started = time.process_time()
        self.outcomes[work()] += 1
        self.longest = max(self.longest, time.process_time() - started)

    def check(self, seconds: float = MOST_SECONDS) -> None:
        assert self.longest < seconds, f"one answer took {self.longest:.2f} s of CPU"
        grown = _resident() - self.began
        for outcome, times in sorted(self.outcomes.items()):
            sys.stdout.write(f"{outcome:40}{times:8}\n")
        sys.stdout.write(f"longest {self.longest:.2f} s of CPU, grown by {grown / 2**20:.1f} MB\n")
        assert grown < MOST_BYTES, f"the process grew by {grown / 2**20:.0f} MB"
