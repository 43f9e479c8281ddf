"""Where labels were given rightly, wrongly, or missed; and the figures that follow from it.

Every figure takes a weight for each article, so that resampling (an article drawn twice weighs 2)
costs sums and nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from services.classifier.evaluation.gold import Example

Given = Mapping[str, Mapping[str, float]]
"""What a system answers for one article: by facet, label ids with their confidence (0 to 1)."""
Weights = Sequence[int]


class Sums(NamedTuple):
    """Weighted counts. A figure whose divisor is 0 is `None`: there is nothing to say."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float | None:
        """Of what was given, the part that is right."""
        return _part(self.right, self.right + self.wrong)

    @property
    def recall(self) -> float | None:
        """Of what should be given, the part that was."""
        return _part(self.right, self.right + self.missed)

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both."""
        return _part(2 * self.right, 2 * self.right + self.wrong + self.missed)


def _part(of: int, whole: int) -> float | None:
    return of / whole if whole else None


@dataclass(frozen=True, slots=True)
class Tally:
    """The articles, by number, where one label was right, wrong, or missed."""

    right: list[int] = field(default_factory=list)
    wrong: list[int] = field(default_factory=list)
    missed: list[int] = field(default_factory=list)

    @property
    def support(self) -> int:
        """Articles that should have the label."""
        return len(self.right) + len(self.missed)

    def sums(self, weights: Weights) -> Sums:
        """The counts under these weights."""
        of = weights.__getitem__
        return Sums(sum(map(of, self.right)), sum(map(of, self.wrong)), sum(map(of, self.missed)))


def tallies(examples: Sequence[Example], given: Sequence[Given], facet: str) -> dict[str, Tally]:
    """A tally for each label of a facet that is in the gold labels or was given."""
    found: dict[str, Tally] = {}
    for number, (example, answer) in enumerate(zip(examples, given, strict=True)):
        gold = example.gold.get(facet)
        if gold is None:
            continue
        ours = answer.get(facet, {}).keys()
        for label in gold | ours:
            tally = found.setdefault(label, Tally())
            place = tally.missed if label not in ours else tally.right if label in gold else None
            (tally.wrong if place is None else place).append(number)
    return dict(sorted(found.items(), key=lambda item: (-item[1].support, item[0])))


def micro_f1(sums: Sequence[Sums]) -> float | None:
    """F1 over all labels together."""
    return Sums(*(sum(column) for column in zip(*sums, strict=True))).f1 if sums else None


def macro_f1(sums: Sequence[Sums]) -> float | None:
    """The mean F1 of labels; those of which nothing is there to say are left out."""
    each = [f1 for f1 in (one.f1 for one in sums) if f1 is not None]
    return sum(each) / len(each) if each else None


def accuracy(
    examples: Sequence[Example], by_label: Mapping[str, Tally], facet: str, weights: Weights
) -> float | None:
    """The part of judged articles whose one label is right."""
    right = sum(tally.sums(weights).right for tally in by_label.values())
    judged = sum(w for one, w in zip(examples, weights, strict=True) if facet in one.gold)
    return _part(right, judged)


def confusion(
    examples: Sequence[Example], given: Sequence[Given], facet: str
) -> dict[tuple[str, str], int]:
    """How many articles should have one label and were given another ("-" for none)."""
    found: dict[tuple[str, str], int] = {}
    for example, answer in zip(examples, given, strict=True):
        for expected in example.gold.get(facet, ()):
            for ours in answer.get(facet) or ("-",):
                found[expected, ours] = found.get((expected, ours), 0) + 1
    return found
