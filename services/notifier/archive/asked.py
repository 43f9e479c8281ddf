"""What a reader asks of the archive, as it stands in an address."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal
from urllib.parse import urlencode

from services.notifier.archive.fold import terms
from services.notifier.archive.shelf import FACETS, Shelf
from services.notifier.item import plain

Order = Literal["newest", "related"]

PAGE = 25
"""Articles on one page."""

LONGEST_SEARCH = 200
MOST_VALUES = 50
"""Values of one facet that are looked at; nobody ticks more."""

USUAL_SCOPES = ("core", "adjacent", "unclear")
"""What is shown while nobody asks for a scope: not what is about cancer, or about no CAR cells."""

ALL_SCOPES = "all"

_VALUE = re.compile(r"[^\x00-\x1f\x7f]{1,255}")


@dataclass(frozen=True)
class Asked:
    """A search: words that all have to occur, one value at least of each facet, found since when.

    `page` counts from 1.
    """

    search: str = ""
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    since: date | None = None
    order: Order = "newest"
    page: int = 1

    @property
    def terms(self) -> tuple[str, ...]:
        """What has to occur in the text."""
        return terms(self.search)

    def of(self, facet: str) -> tuple[str, ...]:
        """The values that count for a facet; empty when every one does."""
        given = self.values.get(facet, ())
        if facet != "scope":
            return given
        return () if ALL_SCOPES in given else given or USUAL_SCOPES

    def at(self, page: int) -> "Asked":
        """The same, another page of it."""
        return replace(self, page=page)

    def query(self) -> str:
        """The address of it, behind the "?"; the same search has the same one."""
        pairs = [("q", self.search)] if self.search else []
        for facet in FACETS:
            pairs += [(facet, value) for value in self.values.get(facet, ())]
        if self.since:
            pairs.append(("since", self.since.isoformat()))
        if self.order != "newest":
            pairs.append(("sort", self.order))
        if self.page > 1:
            pairs.append(("page", str(self.page)))
        return urlencode(pairs)


def read(pairs: Iterable[tuple[str, str]]) -> Asked:
    """What the pairs of an address ask for. What cannot be understood counts as not asked.

    Empty fields are what a form sends for a box that was left alone.
    """
    given: dict[str, dict[str, None]] = {}
    for name, raw in pairs:
        value = " ".join(plain(raw).split())[:LONGEST_SEARCH] if name == "q" else raw
        if _VALUE.fullmatch(value.strip()):
            given.setdefault(name, {})[value.strip()] = None
    values = {facet: tuple(given[facet])[:MOST_VALUES] for facet in FACETS if facet in given}
    return Asked(
        search=_last(given, "q"),
        values=values,
        since=_day(_last(given, "since")),
        order="related" if _last(given, "sort") == "related" else "newest",
        page=_page(_last(given, "page")),
    )


def _last(given: Mapping[str, Mapping[str, None]], name: str) -> str:
    return next(reversed(tuple(given.get(name, ()))), "")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _page(text: str) -> int:
    return (
        min(max(int(text), 1), 100_000)
        if text.isascii() and text.isdigit() and len(text) < 7
        else 1
    )


@dataclass(frozen=True)
class Answer:
    """What a search finds: the articles as bits, and how many each value of a facet would show.

    `counts` are those of a facet as if nothing of that facet itself were asked, so that each
    number says what choosing its value brings.
    """

    shelf: Shelf
    asked: Asked
    chosen: int
    counts: Mapping[str, Mapping[str, int]]

    @property
    def total(self) -> int:
        """How many articles."""
        return self.chosen.bit_count()

    @property
    def pages(self) -> int:
        """How many pages, one at least."""
        return max(1, -(-self.total // PAGE))

    def pmids(self) -> list[int]:
        """All of them, in the order asked for."""
        return self.shelf.in_order(self.chosen, by_relatedness=self.asked.order == "related")

    def page(self) -> Sequence[int]:
        """Those on the page asked for, the last page if there are not so many."""
        start = (min(self.asked.page, self.pages) - 1) * PAGE
        return self.pmids()[start : start + PAGE]


def answer(shelf: Shelf, asked: Asked, with_words: Iterable[int] | None = None) -> Answer:
    """What is found on a shelf; `with_words` are the articles in which the words occur."""
    base = shelf.everything if with_words is None else shelf.of(with_words)
    if asked.since:
        base &= shelf.since(asked.since)
    filters = {
        facet: shelf.having(facet, values) for facet in FACETS if (values := asked.of(facet))
    }
    counts = {
        facet: _counts(shelf, facet, _all(base, (b for f, b in filters.items() if f != facet)))
        for facet in FACETS
    }
    return Answer(shelf, asked, _all(base, filters.values()), counts)


def _all(base: int, filters: Iterable[int]) -> int:
    for bits in filters:
        base &= bits
    return base


def _counts(shelf: Shelf, facet: str, among: int) -> dict[str, int]:
    return {value: (bits & among).bit_count() for value, bits in shelf.bits[facet].items()}
