"""Confidence intervals by resampling articles (B. Efron, 1979; percentile intervals).

All systems are measured on the same draws, so that their differences have intervals too.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

Figure = float | None


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and the range that holds it in 95 of 100 resamples; `None` where undefined."""

    value: Figure
    low: Figure = None
    high: Figure = None


def resamples(articles: int, times: int, seed: int) -> list[list[int]]:
    """Weights of articles: how often each was drawn, in each of so many draws."""
    draw = random.Random(seed)  # noqa: S311 (statistics, not secrets)
    found = []
    for _ in range(times):
        weights = [0] * articles
        for number in draw.choices(range(articles), k=articles):
            weights[number] += 1
        found.append(weights)
    return found


def interval(value: Figure, draws: Sequence[Figure]) -> Interval:
    """The figure with its 2.5th and 97.5th percentile; draws that say nothing are left out."""
    known = sorted(one for one in draws if one is not None)
    if value is None or not known:
        return Interval(value)
    return Interval(value, _percentile(known, 0.025), _percentile(known, 0.975))


def difference(
    ours: Interval, theirs: Interval, draws: Sequence[tuple[Figure, Figure]]
) -> Interval:
    """How much more one figure is than another, on the same draws."""
    if ours.value is None or theirs.value is None:
        return Interval(None)
    apart = [a - b for a, b in draws if a is not None and b is not None]
    return interval(ours.value - theirs.value, apart)


def _percentile(ordered: Sequence[float], part: float) -> float:
    """Between the two nearest draws, as NumPy does by default."""
    place = part * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
