"""What the classifier itself answers for examples."""

from collections.abc import Sequence

from services.classifier.calibrate import Versions, out_of_fold
from services.classifier.calibrate_gold import observations
from services.classifier.classify import CLASSIFIER_VERSION, classify
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


def refitted(
    examples: Sequence[Example], found: Sequence[Classification], taxonomy: Taxonomy
) -> tuple[Given, ...]:
    """The same labels, each with the confidence of a model that has not seen its article.

    For examples that the shipped model was fitted to: its own confidences would flatter it.
    """
    seen = observations(examples, taxonomy)
    sure = out_of_fold(seen, Versions(CLASSIFIER_VERSION, taxonomy.version))
    by_label = {
        (one.article, one.facet, one.label): confidence
        for one, confidence in zip(seen, sure, strict=True)
    }
    return tuple(
        {
            facet: {label: by_label.get((example.id, facet, label), c) for label, c in ids.items()}
            for facet, ids in given(answer).items()
        }
        for example, answer in zip(examples, found, strict=True)
    )
