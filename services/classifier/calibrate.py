"""Fit the model of confidence to labelled articles.

Logistic regression with a ridge penalty, by Newton's method, in plain Python: a few thousand
labels and some dozens of weights need no library. One model for each facet. A label's own
correction is drawn towards zero more strongly than the weights, so that a label with few examples
is reckoned as its facet's others are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import log

from services.classifier.confidence import Confidence, FacetWeights, Weights, probability
from services.classifier.features import NAMES, RISING

RIDGE = 2.0
"""Penalty on a weight: about what two labels say."""
LABEL_RIDGE = 6.0
FEW = 5
"""A label with fewer examples gets no correction of its own."""
DOUBT = 0.02
"""Share of the right labels that is counted as wrong. The rules were written in sight of labelled
articles and do worse on others, and two annotators agree on 98 to 99 of 100 labels at best."""
STEPS = 30
FOLDS = 5

Row = list[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Observation:
    """One label that the rules gave, and whether annotators gave it too."""

    article: str
    facet: str
    label: str
    features: tuple[float, ...]
    judged: float
    right: bool


@dataclass(frozen=True, slots=True)
class Versions:
    """The rules that the observations were made with."""

    classifier: str
    taxonomy: str


def fit(observations: Sequence[Observation], versions: Versions) -> Weights:
    """The weights that fit best. Facets without a right and a wrong label get their rate alone."""
    facets = sorted({one.facet for one in observations})
    return Weights(
        classifier_version=versions.classifier,
        taxonomy_version=versions.taxonomy,
        facets={name: _facet([o for o in observations if o.facet == name]) for name in facets},
    )


def out_of_fold(observations: Sequence[Observation], versions: Versions) -> list[float]:
    """Each label's confidence by a model that has not seen its article."""
    found = [0.0] * len(observations)
    folds = [fold_of(one.article) for one in observations]
    for fold in range(FOLDS):
        seen = [o for o, number in zip(observations, folds, strict=True) if number != fold]
        sure = Confidence(fit(seen, versions)) if seen else None
        for place, one in enumerate(observations):
            if folds[place] == fold:
                found[place] = apply(sure, one) if sure else one.judged
    return found


def apply(sure: Confidence, one: Observation) -> float:
    """A label's confidence."""
    return sure(one.facet, one.label, one.features, one.judged)


def fold_of(article: str) -> int:
    """An article's fold: by its id, so that it stays when others come or go."""
    return sha256(article.encode()).digest()[0] % FOLDS


def _facet(observations: Sequence[Observation]) -> FacetWeights:
    own = _with_enough(observations)
    barred: set[int] = set()
    weights = _solved(observations, own, barred)
    while wrong := {place for place in _rising() if weights[place] < -1e-9} - barred:
        barred |= wrong
        weights = _solved(observations, own, barred)
    first = 1 + len(NAMES)
    return FacetWeights(
        examples=len(observations),
        right=sum(one.right for one in observations),
        start=_short(weights[0]),
        weights={name: _short(weights[1 + i]) for i, name in enumerate(NAMES)},
        labels={name: _short(weights[first + i]) for i, name in enumerate(own)},
    )


def _short(weight: float) -> float:
    return round(weight, 4) + 0.0


def _rising() -> set[int]:
    return {1 + i for i, name in enumerate(NAMES) if name in RISING}


def _with_enough(observations: Iterable[Observation]) -> list[str]:
    counts: dict[str, int] = {}
    for one in observations:
        counts[one.label] = counts.get(one.label, 0) + 1
    return sorted(name for name, count in counts.items() if count >= FEW)


def _solved(
    observations: Sequence[Observation], own: Sequence[str], barred: set[int]
) -> list[float]:
    size = 1 + len(NAMES) + len(own)
    place = {name: 1 + len(NAMES) + i for i, name in enumerate(own)}
    rows = [_row(one, place, barred) for one in observations]
    rights = [1.0 - DOUBT if one.right else 0.0 for one in observations]
    ridge = [1e-3] + [RIDGE] * len(NAMES) + [LABEL_RIDGE] * len(own)
    weights = [0.0] * size
    weights[0] = _rate(rights)
    for _ in range(STEPS):
        step = _step(rows, rights, weights, ridge)
        weights = [old + new for old, new in zip(weights, step, strict=True)]
        if max(map(abs, step)) < 1e-7:
            break
    return weights


def _rate(rights: Sequence[float]) -> float:
    """Log odds of being right, with one right and one wrong label more than there are."""
    return log((sum(rights) + 1.0) / (len(rights) - sum(rights) + 1.0))


def _row(one: Observation, place: dict[str, int], barred: set[int]) -> Row:
    row = [(0, 1.0)]
    row += [(1 + i, v) for i, v in enumerate(one.features) if v and 1 + i not in barred]
    if one.label in place:
        row.append((place[one.label], 1.0))
    return row


def _step(
    rows: Sequence[Row], rights: Sequence[float], weights: Sequence[float], ridge: Sequence[float]
) -> list[float]:
    """One step of Newton: what the penalised likelihood's curvature makes of its slope."""
    size = len(weights)
    slope = [-r * w for r, w in zip(ridge, weights, strict=True)]
    curve = [[ridge[i] if i == j else 0.0 for j in range(size)] for i in range(size)]
    for row, right in zip(rows, rights, strict=True):
        sure = probability(sum(weights[i] * value for i, value in row))
        bend = sure * (1.0 - sure)
        for i, value in row:
            slope[i] += (right - sure) * value
            line = curve[i]
            for j, other in row:
                line[j] += bend * value * other
    return _divided(curve, slope)


def _divided(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Solve by elimination; the matrix is positive definite, thanks to the penalty."""
    size = len(right)
    for i in range(size):
        for j in range(i + 1, size):
            if ratio := matrix[j][i] / matrix[i][i]:
                matrix[j] = [a - ratio * b for a, b in zip(matrix[j], matrix[i], strict=True)]
                right[j] -= ratio * right[i]
    found = [0.0] * size
    for i in reversed(range(size)):
        known = sum(matrix[i][j] * found[j] for j in range(i + 1, size))
        found[i] = (right[i] - known) / matrix[i][i]
    return found
