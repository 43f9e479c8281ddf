"""What the classifier itself answers for examples."""

from collections.abc import Sequence

from services.classifier.classify import classify
from services.classifier.evaluation.counts import Given
from services.classifier.evaluation.gold import FACETS, Example
from services.classifier.taxonomy import Taxonomy
from shared.events import Classification


def by_rules(examples: Sequence[Example], taxonomy: Taxonomy) -> tuple[Classification, ...]:
    """The classifications as the service would make them."""
    return tuple(classify(example.article, taxonomy) for example in examples)


def given(found: Classification) -> Given:
    """A classification as labels with their confidence, by facet."""
    answers: dict[str, dict[str, float]] = {facet: {} for facet in FACETS}
    for label in found.labels:
        if label.facet in answers:
            answers[label.facet][label.id] = label.confidence
    answers["scope"] = {found.scope: answers["scope"].get(found.scope, 0.0)}
    return answers
