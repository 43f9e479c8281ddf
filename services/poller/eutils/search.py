"""esearch: which articles answer a query in a window of days."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Literal

from lxml import etree

from services.poller.eutils.client import Client
from services.poller.eutils.xml import pmid_in, read_root
from shared.errors import Permanent, Retryable

DateType = Literal["crdt", "edat"]
"""CRDT is the day a record really entered PubMed; EDAT is set to the day of publication for
records entered over a year late (NLM Technical Bulletin, Nov-Dec 2008)."""

CAP = 9_999
"""PubMed gives no more than the first 9,999 answers of a search."""
PAGE = 5_000


@dataclass(frozen=True)
class Window:
    """Days, both included, as PubMed dates its records (US Eastern time)."""

    first: date
    last: date

    def halves(self) -> "tuple[Window, Window] | None":
        """The window in two; none for a single day."""
        if self.first >= self.last:
            return None
        middle = self.first + (self.last - self.first) // 2
        return replace(self, last=middle), replace(self, first=middle + timedelta(days=1))

    def __str__(self) -> str:
        return f"{self.first:%Y/%m/%d}:{self.last:%Y/%m/%d}"


@dataclass(frozen=True)
class SearchAnswer:
    """What PubMed counted and named, and how it understood the query.

    `errors` name fields PubMed does not know: it then answers a broader query than was asked.
    `warnings` name phrases that it left out because no record holds them.
    """

    count: int
    ids: tuple[int, ...] = ()
    query_translation: str | None = None
    warnings: tuple[str, ...] = field(default=())
    errors: tuple[str, ...] = field(default=())

    @property
    def unknown_phrases(self) -> tuple[str, ...]:
        """The warnings of phrases that no record holds, quoted ones among them."""
        kinds = ("PhraseNotFound:", "QuotedPhraseNotFound:")
        return tuple(warning for warning in self.warnings if warning.startswith(kinds))


async def search(
    client: Client, term: str, window: Window, datetype: DateType = "crdt", page: int = PAGE
) -> SearchAnswer:
    """All ids of a query within a window, split by days where PubMed's cap would cut it.

    A query that PubMed did not understand is answered with `errors`, and not read to its end.
    The window is written into the query, as esearch's own `datetype` does not document CRDT.

    Raises:
        Retryable, Permanent: as `Client.call`; Permanent too when one day is over the cap.
    """
    first = await _page(client, _dated(term, window, datetype), 0, page)
    if first.errors:
        # Not the query that was asked: its answers are no use, however many there are.
        return first
    if first.count <= CAP:
        return await _rest(client, _dated(term, window, datetype), first, page)
    halves = window.halves()
    if halves is None:
        raise Permanent(
            f"esearch: {first.count} answers on {window} [{datetype}], and PubMed gives "
            f"{CAP} at most: make the query narrower"
        )
    earlier = await search(client, term, halves[0], datetype, page)
    later = await search(client, term, halves[1], datetype, page)
    return _join(first, earlier, later)


async def count(client: Client, term: str) -> int:
    """How many articles of any day answer a query.

    Raises:
        Retryable, Permanent: as `Client.call`.
    """
    return (await _page(client, " ".join(term.split()), 0, 0)).count


def _dated(term: str, window: Window, datetype: DateType) -> str:
    return f"({' '.join(term.split())}) AND {window}[{datetype}]"


def _join(whole: SearchAnswer, earlier: SearchAnswer, later: SearchAnswer) -> SearchAnswer:
    ids = tuple(dict.fromkeys(later.ids + earlier.ids))
    return replace(whole, count=earlier.count + later.count, ids=ids)


async def _rest(client: Client, term: str, first: SearchAnswer, page: int) -> SearchAnswer:
    # `retstart` indexes PubMed's list: go on by what was requested, not by what arrived.
    ids, count = list(first.ids), first.count
    for start in range(page, count, page):
        answer = await _page(client, term, start, page)
        ids += answer.ids
        count = answer.count
    return replace(first, count=count, ids=tuple(dict.fromkeys(ids)))


async def _page(client: Client, term: str, start: int, size: int) -> SearchAnswer:
    reply = await client.call(
        "esearch",
        {
            "db": "pubmed",
            "retmode": "xml",
            "term": term,
            "retstart": str(start),
            "retmax": str(min(size, CAP - start)),
        },
    )
    return read_search(reply.body)


def read_search(body: bytes) -> SearchAnswer:
    """Read an eSearchResult.

    Only its own children are looked at: the translation stack holds counts and terms as well.

    Raises:
        Retryable: it is no XML, or holds no count. An id that is no number is left out, so that
            count and ids disagree.
    """
    root = read_root("esearch", body)
    try:
        count = int(root.findtext("Count") or "")
    except ValueError as error:
        raise Retryable(f"esearch: an answer without a count: {error}") from error
    ids = tuple(filter(None, (pmid_in(element.text) for element in root.findall("IdList/Id"))))
    return SearchAnswer(
        count=count,
        ids=ids,
        query_translation=root.findtext("QueryTranslation") or None,
        warnings=_texts(root, "ErrorList/PhraseNotFound", "WarningList/*"),
        errors=_texts(root, "ErrorList/FieldNotFound"),
    )


def _texts(root: etree._Element, *paths: str) -> tuple[str, ...]:
    return tuple(
        f"{element.tag}: {(element.text or '').strip()}"
        for path in paths
        for element in root.findall(path)
        if (element.text or "").strip()
    )
