"""Whether confidence means what it says: of labels given with 0.8, are eight of ten right?

Source of the error: M. P. Naeini, G. F. Cooper, M. Hauskrecht, "Obtaining Well Calibrated
Probabilities Using Bayesian Binning", AAAI 2015 (expected calibration error, equal-width bins).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.classifier.evaluation.counts import Given, Weights
from services.classifier.evaluation.gold import FACETS, Example

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Labels given with a confidence from `low` up to `high`; each with its article's number."""

    low: float
    high: float
    labels: list[tuple[int, float, bool]] = field(default_factory=list)

    @property
    def mean(self) -> float:
        """Mean confidence; the bin must not be empty."""
        return sum(confidence for _, confidence, _ in self.labels) / len(self.labels)

    @property
    def right(self) -> float:
        """The part that is right; the bin must not be empty."""
        return sum(right for _, _, right in self.labels) / len(self.labels)


def bins(
    examples: Sequence[Example], given: Sequence[Given], facets: Iterable[str] = FACETS
) -> tuple[Bin, ...]:
    """Every given label of judged facets, in ten bins of equal width."""
    found = tuple(Bin(step / BINS, (step + 1) / BINS) for step in range(BINS))
    for facet in facets:
        for number, (example, answer) in enumerate(zip(examples, given, strict=True)):
            gold = example.gold.get(facet)
            if gold is None:
                continue
            for label, confidence in answer.get(facet, {}).items():
                step = min(BINS - 1, int(confidence * BINS))
                found[step].labels.append((number, confidence, label in gold))
    return found


def expected_error(table: Sequence[Bin], weights: Weights) -> float | None:
    """Mean distance of confidence and truth over bins, weighed by their labels; 0 is perfect."""
    off, count = 0.0, 0
    for one in table:
        off += abs(sum(weights[n] * (right - sure) for n, sure, right in one.labels))
        count += sum(weights[n] for n, _, _ in one.labels)
    return off / count if count else None


def brier(table: Sequence[Bin]) -> float | None:
    """Mean squared distance of confidence and truth over all given labels."""
    each = [(right - sure) ** 2 for one in table for _, sure, right in one.labels]
    return sum(each) / len(each) if each else None
