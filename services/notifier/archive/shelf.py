"""A topic's articles as sets of bits: filters and counts without a database.

Each value of each facet (the modality CAAR-T, the year 2026) is one large integer with a bit for
each article that has it, at the place of its card. A filter is then an AND, a count the number of
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
    """The cards of a topic in any order, and for each facet and value the bits of its cards.

    `names` are those of labels, by facet and id. `newest` has the places of the cards, the newest
    in PubMed first, `related` the most related.
    """

    cards: Sequence[Card]
    places: Mapping[int, int]
    bits: Mapping[str, Mapping[str, int]]
    names: Mapping[tuple[str, str], str]
    newest: Sequence[int]
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
        order = self.related if by_relatedness else self.newest
        end = len(flags)
        return [self.cards[at].pmid for at in order if at < end and flags[at] == "1"]


def shelf(cards: Sequence[Card], labelled: Iterable[Labelled]) -> Shelf:
    """Put cards and their labels on a shelf."""
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
        if _is_filter(facet):
            members[facet][label] = [places[pmid] for pmid in pmids if pmid in places]
    size = len(cards)
    bits = {
        facet: {value: _bits(some, size) for value, some in values.items()}
        for facet, values in members.items()
    }
    return _ordered(cards, places, bits, names, {d: _bits(at, size) for d, at in found.items()})


def changed(on: Shelf, cards: Iterable[Card], labelled: Iterable[Labelled]) -> Shelf:
    """The shelf with these cards instead of what it has of them, or beside it."""
    kept, places = list(on.cards), dict(on.places)
    touched = 0
    new = {card.pmid: card for card in cards}
    for pmid, card in new.items():
        at = places.setdefault(pmid, len(kept))
        kept[at : at + 1] = [card]
        touched |= 1 << at
    bits = {f: {v: b & ~touched for v, b in values.items()} for f, values in on.bits.items()}
    found = {day: some & ~touched for day, some in on.found.items()}
    for pmid, card in new.items():
        found[card.found] = found.get(card.found, 0) | 1 << places[pmid]
        for facet, value in _values(card):
            bits[facet][value] = bits[facet].get(value, 0) | 1 << places[pmid]
    names = dict(on.names)
    for facet, label, name, pmids in labelled:
        names[facet, label] = name
        if _is_filter(facet):
            here = _bits((places[pmid] for pmid in pmids if pmid in new), len(kept))
            bits[facet][label] = bits[facet].get(label, 0) | here
    left = {facet: {value: b for value, b in some.items() if b} for facet, some in bits.items()}
    return _ordered(kept, places, left, names, {day: some for day, some in found.items() if some})


def _ordered(
    cards: Sequence[Card],
    places: Mapping[int, int],
    bits: Mapping[str, Mapping[str, int]],
    names: Mapping[tuple[str, str], str],
    found: Mapping[date, int],
) -> Shelf:
    every = range(len(cards))
    newest = sorted(every, key=lambda at: (cards[at].entered, cards[at].pmid), reverse=True)
    related = sorted(every, key=lambda at: (cards[at].relatedness, cards[at].pmid), reverse=True)
    named = {key: name for key, name in names.items() if key[1] in bits.get(key[0], ())}
    return Shelf(cards, places, bits, named, newest, related, found)


def _is_filter(facet: str) -> bool:
    """Of the scope the card says more: it always has one."""
    return facet in LABEL_FACETS and facet != "scope"


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
