"""A topic's articles as sets of bits: filters and counts without a database.

Each value of each facet (the modality CAAR-T, the year 2026) is one large integer with a bit for
each article that has it, in the order of the cards. A filter is then an AND, a count the number of
ones: a page with all its counts takes a few milliseconds over tens of thousands of articles.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.notifier.archive.index import Card

LABEL_FACETS = ("modality", "disease", "target", "evidence", "product", "scope")
FACETS = (*LABEL_FACETS, "status", "relation", "kind", "origin", "year", "month", "journal")
"""What can be filtered by. `kind` is `preprint` or `article`, `origin` `news` or `background`."""

Labelled = tuple[str, str, str, Sequence[int]]
"""A label's facet, id and name, and the PMIDs that carry it."""


@dataclass(frozen=True)
class Shelf:
    """The cards of a topic, the newest first, and for each facet and value the bits of its cards.

    `names` are those of labels, by facet and id. `related` has the places of the cards, the most
    related first.
    """

    cards: Sequence[Card]
    places: Mapping[int, int]
    bits: Mapping[str, Mapping[str, int]]
    names: Mapping[tuple[str, str], str]
    related: Sequence[int]
    found: Mapping[date, int]

    @property
    def everything(self) -> int:
        """All cards."""
        return (1 << len(self.cards)) - 1

    def of(self, pmids: Iterable[int]) -> int:
        """The bits of these articles; those that are not here are passed over."""
        known = (self.places[pmid] for pmid in pmids if pmid in self.places)
        return _bits(known, len(self.cards))

    def since(self, day: date) -> int:
        """The articles that were found on this day or later."""
        some = 0
        for found, bits in self.found.items():
            if found >= day:
                some |= bits
        return some

    def having(self, facet: str, values: Collection[str]) -> int:
        """The articles that have one of these values, at least."""
        some = 0
        for value in values:
            some |= self.bits[facet].get(value, 0)
        return some

    def in_order(self, chosen: int, *, by_relatedness: bool = False) -> list[int]:
        """The PMIDs of the chosen articles, the newest first, or the most related."""
        flags = bin(chosen)[:1:-1]
        order = self.related if by_relatedness else range(len(flags))
        end = len(flags)
        return [self.cards[at].pmid for at in order if at < end and flags[at] == "1"]


def shelf(cards: Sequence[Card], labelled: Iterable[Labelled]) -> Shelf:
    """Put cards, the newest first, and their labels on a shelf."""
    places = {card.pmid: at for at, card in enumerate(cards)}
    members: dict[str, dict[str, list[int]]] = {facet: {} for facet in FACETS}
    found: dict[date, list[int]] = {}
    for at, card in enumerate(cards):
        found.setdefault(card.found, []).append(at)
        for facet, value in _values(card):
            members[facet].setdefault(value, []).append(at)
    names: dict[tuple[str, str], str] = {}
    for facet, label, name, pmids in labelled:
        names[facet, label] = name
        if facet in members and facet != "scope":
            members[facet][label] = [places[pmid] for pmid in pmids if pmid in places]
    size = len(cards)
    return Shelf(
        cards=cards,
        places=places,
        bits={
            facet: {value: _bits(some, size) for value, some in values.items()}
            for facet, values in members.items()
        },
        names=names,
        related=sorted(range(size), key=lambda at: (-cards[at].relatedness, -cards[at].pmid)),
        found={day: _bits(some, size) for day, some in found.items()},
    )


def _values(card: Card) -> Iterator[tuple[str, str]]:
    yield "scope", card.scope
    yield "status", card.status
    yield "kind", "preprint" if card.preprint else "article"
    yield "origin", "background" if card.background else "news"
    yield "year", card.month[:4]
    yield "month", card.month
    if card.journal:
        yield "journal", card.journal
    for relation in card.relations.split():
        yield "relation", relation


def _bits(places: Iterable[int], size: int) -> int:
    some = bytearray(size // 8 + 1)
    for at in places:
        some[at >> 3] |= 1 << (at & 7)
    return int.from_bytes(some, "little")
