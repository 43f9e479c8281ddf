"""How far confidences mean what they say, in three figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from services.classifier.evaluation.calibration import BINS, Bin, brier, expected_error


@dataclass(frozen=True, slots=True)
class Figures:
    """`error` is the expected calibration error, `loss` the mean log loss (natural logarithm).

    Of each, and of `brier`, less is better. `right` is the share of the labels that are right.
    """

    count: int
    right: float
    error: float
    brier: float
    loss: float
    bins: tuple[Bin, ...]


def figures(confidences: Sequence[float], rights: Sequence[bool]) -> Figures:
    """The figures of some labels; all zero for none. Confidences are strictly within 0 and 1."""
    table = _table(confidences, rights)
    pairs = list(zip(confidences, rights, strict=True))
    count = len(pairs)
    return Figures(
        count=count,
        right=sum(rights) / (count or 1),
        error=expected_error(table, [1] * count) or 0.0,
        brier=brier(table) or 0.0,
        loss=-sum(log(sure if right else 1.0 - sure) for sure, right in pairs) / (count or 1),
        bins=tuple(one for one in table if one.labels),
    )


def _table(confidences: Sequence[float], rights: Sequence[bool]) -> tuple[Bin, ...]:
    table = tuple(Bin(step / BINS, (step + 1) / BINS) for step in range(BINS))
    for number, (sure, right) in enumerate(zip(confidences, rights, strict=True)):
        table[min(BINS - 1, int(sure * BINS))].labels.append((number, sure, right))
    return table
