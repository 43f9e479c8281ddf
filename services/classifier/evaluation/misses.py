"""Where the classifier and a person differ, article by article, with the rule that spoke."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.classifier.evaluation.gold import FACETS, Example
from services.classifier.evaluation.ours import given
from shared.events import Classification


@dataclass(frozen=True, slots=True)
class Miss:
    """One facet of one article: what was expected, what was given, and why what is wrong was."""

    id: str
    title: str
    facet: str
    expected: tuple[str, ...]
    given: tuple[str, ...]
    rules: tuple[str, ...]


def misses(examples: Sequence[Example], found: Sequence[Classification]) -> list[Miss]:
    """Every judged facet on which the two differ, in the order of the examples."""
    return [
        miss
        for example, answer in zip(examples, found, strict=True)
        for facet in FACETS
        if (miss := _miss(example, answer, facet)) is not None
    ]


def _miss(example: Example, answer: Classification, facet: str) -> Miss | None:
    gold = example.gold.get(facet)
    ours = frozenset(given(answer)[facet])
    if gold is None or gold == ours:
        return None
    rules = tuple(
        f"{label.id}: {label.evidence[0].rule}"
        for label in answer.labels
        if label.facet == facet and label.id not in gold and label.evidence
    )
    expected, given_ = tuple(sorted(gold)), tuple(sorted(ours))
    return Miss(example.id, example.article.title, facet, expected, given_, rules)
