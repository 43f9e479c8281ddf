"""When which fault happens: a plan that a seed repeats."""

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Sort:
    """What the plan has to know of a kind of fault.

    Faults of one `lane` come one after the other; those of different lanes may be at work at
    once, but of the `heavy` ones (an engine is away) only one in all. A fault lasts from `least`
    to `most` seconds, and its lane rests `rest` seconds at least after it. `weight` says how
    often it is drawn.
    """

    name: str
    lane: str
    least: float = 1.0
    most: float = 4.0
    weight: int = 1
    heavy: bool = False
    rest: float = 0.5


@dataclass(frozen=True)
class Fault:
    """One fault: it begins `at` seconds after the run does and lasts `seconds`.

    `draw` is for what else it needs to decide: which process, how many bytes.
    """

    at: float
    kind: str
    lane: str
    seconds: float
    draw: int
    heavy: bool = False


def plan(seed: int, sorts: Sequence[Sort], seconds: float, pause: float = 3.0) -> tuple[Fault, ...]:
    """All faults that begin within `seconds`, in their order; pure, the same for the same seed.

    Each lane meets all its kinds before any comes again, as far as there is time, and then draws
    them by weight. Between two faults of a lane are, beside the rest, `pause` seconds on average.
    """
    rng = random.Random(seed)  # noqa: S311  no secret
    lanes = [_Lane(name, sorts, rng) for name in sorted({sort.lane for sort in sorts})]
    found: list[Fault] = []
    calm_from = 0.0
    while lanes:
        lane = min(lanes, key=lambda one: one.free_from)
        sort = lane.draw()
        at = lane.free_from + rng.uniform(0.0, 2 * pause)
        at = max(at, calm_from) if sort.heavy else at
        if at >= seconds:
            lanes.remove(lane)
            continue
        lasts = rng.uniform(sort.least, sort.most)
        found.append(Fault(at, sort.name, sort.lane, lasts, rng.getrandbits(32), sort.heavy))
        lane.free_from = at + lasts + sort.rest
        calm_from = lane.free_from if sort.heavy else calm_from
    return tuple(sorted(found, key=lambda fault: (fault.at, fault.lane)))


class _Lane:
    """What may come next in a lane, and from when on."""

    def __init__(self, name: str, sorts: Sequence[Sort], rng: random.Random) -> None:
        self.free_from = 0.0
        self._rng = rng
        self._sorts = [sort for sort in sorts if sort.lane == name]
        self._unseen = rng.sample(self._sorts, len(self._sorts))

    def draw(self) -> Sort:
        if self._unseen:
            return self._unseen.pop()
        return self._rng.choices(self._sorts, [sort.weight for sort in self._sorts])[0]
