"""esearch: which articles answer a query in a window of days."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from services.poller.eutils.client import Client
from services.poller.eutils.found import SearchAnswer, read_search
from services.poller.eutils.history import CAP, History
from services.poller.eutils.window import Minutes, Window
from shared.errors import Permanent, Retryable

DateType = Literal["crdt", "edat"]
"""CRDT is the day a record really entered PubMed; EDAT is set to the day of publication for
records entered over a year late (NLM Technical Bulletin, Nov-Dec 2008)."""

Span = Window | Minutes


@dataclass(frozen=True)
class Sizes:
    """Ids per request, and how many of a search can be had: smaller against a stand-in."""

    page: int = 5_000
    cap: int = CAP


NCBI = Sizes()

Doubt = Callable[[SearchAnswer], bool]
"""Whether an answer is to another query than was asked, and so not worth its other pages."""


def has_errors(found: SearchAnswer) -> bool:
    """The least doubt: PubMed itself says that it did not understand."""
    return bool(found.errors)


@dataclass(frozen=True)
class _Search:
    """A query to be read to its end, however many pages and windows that takes."""

    client: Client
    term: str
    datetype: DateType
    sizes: Sizes

    def dated(self, span: Span) -> str:
        return f"({self.term}) AND {span}[{self.datetype}]"


async def search(
    client: Client,
    term: str,
    window: Window,
    datetype: DateType = "crdt",
    sizes: Sizes = NCBI,
    doubt: Doubt = has_errors,
) -> SearchAnswer:
    """All ids of a query within a window, split where PubMed's cap would cut it.

    It is split by days, then by hours and minutes, and a split is believed only if the counts of
    its halves add up. Pages come from a list that NCBI keeps, so that they fit together.

    What `doubt` is true of is returned as it is, with its first page, and not read to its end: a
    query that lost its words may name half of PubMed.
    The window is written into the query, as esearch's own `datetype` does not document CRDT.

    Raises:
        Retryable: as `Client.ask`; also when the list moves while it is read.
        Permanent: as `Client.ask`; also when a window over the cap cannot be split.
    """
    wanted = _Search(client, " ".join(term.split()), datetype, sizes)
    first = await _first(wanted, window)
    if doubt(first):
        return first
    ids, counted = await _all(wanted, window, first)
    return replace(first, count=counted, ids=tuple(dict.fromkeys(ids)), history=None)


async def count(client: Client, term: str) -> int:
    """How many articles of any day answer a query.

    Raises:
        Retryable, Permanent: as `Client.ask`.
    """
    return await _count(client, " ".join(term.split()))


async def _all(wanted: _Search, span: Span, first: SearchAnswer) -> tuple[list[int], int]:
    """The ids of a window whose first page is known, newest first, and how many PubMed counts."""
    if first.count <= wanted.sizes.cap:
        return await _rest(wanted, span, first)
    halves = span.halves()
    if halves is None:
        raise Permanent(_too_many(wanted, span, first.count) + "make the query narrower")
    earlier, later = await _split(wanted, span, halves, first.count)
    old, old_count = await _all(wanted, halves[0], earlier)
    new, new_count = await _all(wanted, halves[1], later)
    return [*new, *old], old_count + new_count


def _too_many(wanted: _Search, span: Span, counted: int) -> str:
    return (
        f"esearch: {counted} answers on {span} [{wanted.datetype}], "
        f"and PubMed gives {wanted.sizes.cap} at most: "
    )


async def _split(
    wanted: _Search, span: Span, halves: tuple[Span, Span], whole: int
) -> tuple[SearchAnswer, SearchAnswer]:
    """The first pages of both halves. PubMed may read a time as none, and answer the whole day."""
    counts: list[str] = []
    # Twice, as a record may have come in between.
    for _ in range(2):
        earlier, later = [await _first(wanted, half) for half in halves]
        if earlier.count + later.count == whole and not (earlier.errors or later.errors):
            return earlier, later
        counts.append(f"{earlier.count} + {later.count} and not {whole}")
        whole = await _count(wanted.client, wanted.dated(span))
    raise Permanent(
        f"{_too_many(wanted, span, whole)}its halves from {halves[0]} and {halves[1]} have "
        f"{', then '.join(counts)}. PubMed does not divide it so: make the query narrower"
    )


async def _rest(wanted: _Search, span: Span, first: SearchAnswer) -> tuple[list[int], int]:
    """All pages: of the list that NCBI keeps, if it does; that one does not move meanwhile."""
    pages = await _kept_pages(wanted, span, first)
    if pages is None or _moved(pages):
        first = await _first(wanted, span)
        pages = [first, *[await _page(wanted, span, start) for start in _starts(wanted, first)]]
    if _moved(pages):
        raise Retryable(
            f"esearch: the list of answers on {span} [{wanted.datetype}] moves while it is read "
            f"({' then '.join(str(page.count) for page in pages)} answers); asked again next time"
        )
    return [pmid for page in pages for pmid in page.ids], first.count


async def _kept_pages(
    wanted: _Search, span: Span, first: SearchAnswer
) -> list[SearchAnswer] | None:
    """All pages of the first one's list; None when NCBI has lost what it kept."""
    starts = _starts(wanted, first)
    try:
        return [first, *[await _page(wanted, span, start, first.history) for start in starts]]
    except Permanent:
        if first.history is None:
            raise
        return None


def _starts(wanted: _Search, first: SearchAnswer) -> range:
    # `retstart` indexes PubMed's list: go on by what was requested, not by what arrived.
    return range(wanted.sizes.page, first.count, wanted.sizes.page)


def _moved(pages: list[SearchAnswer]) -> bool:
    return any(page.count != pages[0].count for page in pages)


async def _first(wanted: _Search, span: Span) -> SearchAnswer:
    return await _ask(wanted.client, _page_of(wanted, span, 0) | {"usehistory": "y"})


async def _page(
    wanted: _Search, span: Span, start: int, history: History | None = None
) -> SearchAnswer:
    # With a kept list NCBI answers what is both in it and an answer to the query.
    kept = history.parameters() if history else {}
    return await _ask(wanted.client, _page_of(wanted, span, start) | kept)


async def _count(client: Client, term: str) -> int:
    return (await _ask(client, {"term": term, "retmax": "0"})).count


def _page_of(wanted: _Search, span: Span, start: int) -> dict[str, str]:
    size = min(wanted.sizes.page, wanted.sizes.cap - start)
    return {"term": wanted.dated(span), "retstart": str(start), "retmax": str(size)}


async def _ask(client: Client, parameters: dict[str, str]) -> SearchAnswer:
    parameters = {"db": "pubmed", "retmode": "xml", **parameters}
    return await client.ask("esearch", parameters, lambda reply: read_search(reply.body))
