"""What is there for the first time: an approach in a disease that no known article was about.

Pure. "Here" is what the topic knows, background included, so it says nothing while that is little.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

from services.notifier.digest import First, Item
from shared.events import Label

FEWEST = 30
"""While a topic knows fewer articles, everything would be a first."""

MOST = 3
SURE = 0.5
"""A label that is less sure than this makes no first."""

GENERAL = frozenset({"car-t-general"})
"""Modalities that name no approach of their own."""

Pair = tuple[str, str]
"""Ids of a modality and a disease."""


def pairs(items: Iterable[Item]) -> set[Pair]:
    """What would be a first, if it was not seen before."""
    return {(one.id, other.id) for item in items for one, other in _pairs(item)}


def firsts(items: Sequence[Item], seen: Collection[Pair], known: int) -> tuple[First, ...]:
    """At most `MOST` of them, the most related article first, each pair once.

    `seen` are the pairs of articles known before, `known` is how many of those there are.
    """
    if known < FEWEST:
        return ()
    found: dict[Pair, First] = {}
    for item in sorted(items, key=lambda item: (-item.relatedness, -item.pmid)):
        for modality, disease in _pairs(item):
            pair = (modality.id, disease.id)
            if pair not in seen and pair not in found:
                first = First(pmid=item.pmid, modality=modality.name, disease=disease.name)
                found[pair] = first
    return tuple(found.values())[:MOST]


def _pairs(item: Item) -> Iterator[tuple[Label, Label]]:
    sure = [label for label in item.labels if label.confidence >= SURE]
    modalities = [x for x in sure if x.facet == "modality" and x.id not in GENERAL]
    diseases = [x for x in sure if x.facet == "disease"]
    yield from ((modality, disease) for modality in modalities for disease in diseases)
