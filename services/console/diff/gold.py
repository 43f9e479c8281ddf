"""How right both sides are, label by label, where people have said what is right."""

from collections.abc import Mapping, Sequence

from services.classifier.evaluation.counts import Given, Sums, Tally, tallies
from services.classifier.evaluation.gold import FACETS, Example
from services.classifier.evaluation.ours import given
from services.console.diff.compare import Outcome
from services.console.diff.sides import Side
from shared.article import Record
from shared.events import Classification


class Measure(Record):
    """Precision and recall (0 to 1) of one label on one side; `None` where nothing can be said."""

    precision: float | None
    recall: float | None


class LabelFigures(Record):
    """One label on both sides; `support` is how many of the examples should have it."""

    facet: str
    id: str
    support: int
    before: Measure
    after: Measure

    @property
    def differs(self) -> bool:
        """Whether the sides are not equally right."""
        return self.before != self.after


class GoldFigures(Record):
    """`measured` of `examples` were classified by both sides, and count."""

    examples: int
    measured: int
    labels: tuple[LabelFigures, ...]


Answered = tuple[Outcome, Outcome]
"""What both sides made of an example."""


async def ask(examples: Sequence[Example], old: Side, new: Side) -> list[Answered]:
    """Both sides' answers to the examples' own texts."""
    articles = [example.article for example in examples]
    return list(zip(await old(articles), await new(articles), strict=True))


def recorded(examples: Sequence[Example], answers: Mapping[int, Answered]) -> list[Answered]:
    """What was recorded for the examples' articles, by PMID; nothing for those that were not."""
    return [answers.get(example.article.pmid, (None, None)) for example in examples]


def figures(examples: Sequence[Example], answers: Sequence[Answered]) -> GoldFigures:
    """Measure both sides on the examples that both have classified."""
    kept = [
        (example, given(old), given(new))
        for example, (old, new) in zip(examples, answers, strict=True)
        if isinstance(old, Classification) and isinstance(new, Classification)
    ]
    measured = [example for example, _, _ in kept]
    sides = [old for _, old, _ in kept], [new for _, _, new in kept]
    labels = [one for facet in FACETS for one in _labels(facet, measured, sides)]
    return GoldFigures(examples=len(examples), measured=len(kept), labels=tuple(labels))


def _labels(
    facet: str, examples: Sequence[Example], sides: tuple[Sequence[Given], Sequence[Given]]
) -> list[LabelFigures]:
    old, new = (tallies(examples, side, facet) for side in sides)
    weights = [1] * len(examples)
    names = dict.fromkeys((*new, *old))
    pairs = ((name, _sums(old, name, weights), _sums(new, name, weights)) for name in names)
    return [
        LabelFigures(
            facet=facet,
            id=name,
            support=max(one.right + one.missed for one in (before, after)),
            before=_measure(before),
            after=_measure(after),
        )
        for name, before, after in pairs
    ]


def _sums(found: Mapping[str, Tally], name: str, weights: Sequence[int]) -> Sums:
    return found[name].sums(weights) if name in found else Sums(0, 0, 0)


def _measure(sums: Sums) -> Measure:
    return Measure(precision=sums.precision, recall=sums.recall)
