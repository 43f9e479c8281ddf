"""What is there for the first time: an approach in a disease that no known article was about.

Pure. "Here" is what the topic knows, background included, so it says nothing while that is little.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from services.notifier.digest import First, Item
from shared.events import Label

FEWEST = 30
"""While a topic knows fewer articles, everything would be a first."""

MOST = 3
SURE = 0.5
"""A label that is less sure than this makes no first."""

GENERAL = frozenset(
    {
        "car-t-general", "car-other-cell", "other-target-car-t",
        "autoimmune-general", "cancer", "other", "transplant", "allergy", "vasculitis-other",
        "neuro-other", "skin-other", "kidney-other", "heme-other",
    }
)  # fmt: skip
"""Labels that name no approach, or no disease, of their own: a first of them says nothing."""

EVER = datetime(1, 1, 1, tzinfo=UTC)
"""Since when background is known: it was there before the watch."""

Pair = tuple[str, str]
"""Ids of a modality and a disease."""

Sighting = tuple[datetime, int]
"""Since when an article is known, and its PMID."""


@dataclass(frozen=True)
class Sightings:
    """What a topic knows: the articles of each pair, and all of them."""

    pairs: Mapping[Pair, Sequence[Sighting]]
    known: Sequence[Sighting]

    def before(self, wanted: Iterable[Pair], own: Collection[int], since: datetime) -> set[Pair]:
        """Those of the pairs that an article had which is none of `own` and was known by then."""
        return {
            pair
            for pair in wanted
            if any(at <= since and pmid not in own for at, pmid in self.pairs.get(pair, ()))
        }

    def number(self, own: Collection[int], since: datetime) -> int:
        """How many articles were known by then, `own` left out."""
        return sum(at <= since and pmid not in own for at, pmid in self.known)


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
    """Its first approach, as in a digest's headings, in each of its diseases."""
    sure = [x for x in item.labels if x.confidence >= SURE and x.id not in GENERAL]
    approach = next((label for label in sure if label.facet == "modality"), None)
    if approach:
        yield from ((approach, label) for label in sure if label.facet == "disease")
