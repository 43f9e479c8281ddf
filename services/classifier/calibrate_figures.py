"""How far confidences mean what they say: reliability, expected calibration error, Brier score."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Labels with a confidence from `low` to `low + 0.1`: their mean, and the share right."""

    low: float
    count: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class Figures:
    """`error` is the expected calibration error: the bins' gaps, weighted by their counts.

    `brier` is the mean squared error, `loss` the mean log loss (natural logarithm); the less of
    each, the better.
    """

    count: int
    error: float
    brier: float
    loss: float
    bins: tuple[Bin, ...]


def figures(confidences: Sequence[float], rights: Sequence[bool]) -> Figures:
    """The figures of some labels; all zero for none. Confidences are strictly within 0 and 1."""
    pairs = list(zip(confidences, rights, strict=True))
    count = max(1, len(pairs))
    bins = tuple(_bin(low, group) for low, group in enumerate(_grouped(pairs)) if group)
    return Figures(
        count=len(pairs),
        error=sum(b.count * abs(b.confidence - b.right) for b in bins) / count,
        brier=sum((sure - right) ** 2 for sure, right in pairs) / count,
        loss=-sum(log(sure if right else 1.0 - sure) for sure, right in pairs) / count,
        bins=bins,
    )


def _grouped(pairs: Sequence[tuple[float, bool]]) -> list[list[tuple[float, bool]]]:
    groups: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for pair in pairs:
        groups[min(BINS - 1, int(pair[0] * BINS))].append(pair)
    return groups


def _bin(number: int, group: Sequence[tuple[float, bool]]) -> Bin:
    count = len(group)
    mean = sum(sure for sure, _ in group) / count
    return Bin(number / BINS, count, mean, sum(right for _, right in group) / count)
