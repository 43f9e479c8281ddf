"""Whether something grew: the slope of its floor over the second half of a run, and what it may be.

What is in hand comes and goes, a leak stays: so the least of each stretch of time is looked at. The
slope is Theil's and Sen's, the median of the slopes of all pairs (P. K. Sen, 1968,
doi:10.1080/01621459.1968.10480934): a reconnect, or a digest just being made, does not move it.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

STRETCHES = 12
"""So many parts of the second half; of each its least value counts."""


@dataclass(frozen=True)
class Allowed:
    """What the floor may seem to rise by in the second half: so much, and a share of its level."""

    by: float
    share: float = 0.0


BOUNDS: Mapping[str, Allowed] = {
    "rss": Allowed(4.0, 0.03),
    "own": Allowed(4.0, 0.03),
    "objects": Allowed(2_000, 0.02),
    "fds": Allowed(4, 0.25),
    "sockets": Allowed(4, 0.25),
    "threads": Allowed(2),
    "tasks": Allowed(8, 0.5),
    "connections": Allowed(1),
    "channels": Allowed(1),
    "backends": Allowed(10, 0.25),
    "broker_memory": Allowed(60.0, 0.10),
}
"""Memory is in MB. What comes and goes in pools may move by a few; what leaks goes on for ever."""

Point = tuple[float, float]
"""When (seconds), and how much."""


@dataclass(frozen=True)
class Growth:
    """One measure in the second half: its level at first, what it rose by, and may rise by."""

    who: str
    what: str
    level: float
    grew: float
    allowed: float

    @property
    def is_leak(self) -> bool:
        """Whether it grew by more than it may."""
        return self.grew > self.allowed


def slope(points: Sequence[Point]) -> float:
    """The median of the slopes between all pairs; 0.0 for fewer than two points."""
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(points, 2) if b[0] > a[0]]
    return statistics.median(slopes) if slopes else 0.0


def floor(points: Sequence[Point]) -> list[Point]:
    """The least of each of some stretches of time, at its middle."""
    first, last = points[0][0], points[-1][0]
    length = (last - first) / STRETCHES or 1.0
    stretches: dict[int, list[float]] = {}
    for at, value in points:
        stretches.setdefault(min(int((at - first) / length), STRETCHES - 1), []).append(value)
    return [(first + (n + 0.5) * length, min(values)) for n, values in sorted(stretches.items())]


def growth(who: str, what: str, points: Sequence[Point], tolerance: float = 1.0) -> Growth:
    """What a floor rose by in the second half of its time; the first is for warming up."""
    middle = (points[0][0] + points[-1][0]) / 2
    later = [point for point in points if point[0] >= middle]
    ground = floor(later)
    level = statistics.median(value for _, value in ground[:3])
    grew = slope(ground) * (later[-1][0] - later[0][0])
    bound = BOUNDS[what]
    return Growth(who, what, level, grew, tolerance * (bound.by + bound.share * level))


def judged(
    series: Mapping[tuple[str, str], Sequence[Point]], tolerance: float = 1.0
) -> list[Growth]:
    """Every measure, by who and what; a short run, still warming up, needs some tolerance."""
    return [growth(*key, points, tolerance) for key, points in sorted(series.items())]


def table(found: Sequence[Growth]) -> str:
    """The verdict as lines of text."""
    head = f"{'':11} {'':13} {'level':>11} {'growth':>9} {'allowed':>8}"
    return "\n".join([head, *map(_line, found)])


def _line(one: Growth) -> str:
    mark = "  GREW" if one.is_leak else ""
    return (
        f"{one.who:11} {one.what:13} {one.level:11,.1f} {one.grew:+9.1f} {one.allowed:8.1f}{mark}"
    )
