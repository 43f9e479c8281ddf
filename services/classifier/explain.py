"""Why an article has its labels, and what argued against each of them.

For a reader who asks: the classification as it is, and beside each label the mentions of it that
counted for less because the sentence negates them, compares with them, or tells them as background
or future. Labels that were only argued against are there too: they were not given.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from services.classifier.classify import classify
from services.classifier.context import FACTOR
from services.classifier.mentions import Mention, read
from services.classifier.taxonomy import Taxonomy, TaxonomyLabel
from shared.article import Article
from shared.events import Classification, Evidence, Label

Why = Literal["negation", "comparison", "background", "future"]
_REASONS: Mapping[float, Why] = {
    FACTOR["negation"]: "negation",
    FACTOR["comparison"]: "comparison",
    FACTOR["background"]: "background",
    FACTOR["future"]: "future",
}
_QUIET = ("receptor", "evidence")
"""Facets that are no topic of their own: what speaks against them is not shown apart."""


@dataclass(frozen=True, slots=True)
class Objection:
    """A mention that counted for less: `evidence` has its sentence, words and rule.

    `why` is how the sentence means it, `factor` (0 to 1) what was left of its weight.
    """

    evidence: Evidence
    why: Why
    factor: float


@dataclass(frozen=True, slots=True)
class Explained:
    """A label that was given, and what argued against it."""

    label: Label
    against: tuple[Objection, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A label that was not given although the article names it, and how it names it."""

    facet: str
    id: str
    name: str
    against: tuple[Objection, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer with its grounds; `refused` are labels that were only argued against."""

    classification: Classification
    labels: tuple[Explained, ...]
    refused: tuple[Refused, ...]


def explain(article: Article, taxonomy: Taxonomy) -> Explanation:
    """Classify one article and say what argued against each label. Never raises."""
    found = classify(article, taxonomy)
    against = _objections(read(article, taxonomy).mentions)
    given = {f"{label.facet}:{label.id}" for label in found.labels}
    labels = tuple(
        Explained(label, tuple(against.get(f"{label.facet}:{label.id}", ())))
        for label in found.labels
    )
    refused = tuple(
        _refused(taxonomy.by_key[key], objections)
        for key, objections in against.items()
        if key not in given and key.partition(":")[0] not in _QUIET
    )
    return Explanation(found, labels, refused)


def _objections(mentions: list[Mention]) -> dict[str, list[Objection]]:
    """By label; a target or product argues for the modalities that it stands for, too."""
    found: dict[str, list[Objection]] = defaultdict(list)
    for mention in mentions:
        why = _REASONS.get(mention.factor)
        if why:
            objection = Objection(mention.evidence(), why, mention.factor)
            for key in _spoken_for(mention.label):
                found[key].append(objection)
    return found


def _spoken_for(label: TaxonomyLabel) -> Iterator[str]:
    yield label.key
    yield from label.implies
    if label.aimed:
        yield f"modality:{label.aimed}"


def _refused(label: TaxonomyLabel, against: list[Objection]) -> Refused:
    return Refused(label.facet, label.id, label.name, tuple(against))
