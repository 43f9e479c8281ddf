"""Observations for the model of confidence, from articles that people have labelled."""

from collections import Counter
from collections.abc import Iterable, Iterator

from services.classifier.calibrate import Observation
from services.classifier.classify import findings
from services.classifier.confidence import UNSURE
from services.classifier.evaluation.gold import Example
from services.classifier.features import vector
from services.classifier.taxonomy import Taxonomy


def observations(examples: Iterable[Example], taxonomy: Taxonomy) -> list[Observation]:
    """What the rules give each article, each label with whether the annotators gave it too.

    A facet that nobody judged teaches nothing, nor does an article that the rules leave unclear.
    """
    return [one for example in examples for one in _observed(example, taxonomy)]


def _observed(example: Example, taxonomy: Taxonomy) -> Iterator[Observation]:
    found = findings(example.article, taxonomy)
    beside = Counter(ground.label.facet for ground in found.grounds)
    for ground in found.grounds:
        facet, name = ground.label.facet, ground.label.id
        gold = example.gold.get(facet)
        if gold is not None and name != UNSURE:
            features = vector(ground, beside[facet], found.setting)
            yield Observation(example.id, facet, name, features, ground.judged, name in gold)
