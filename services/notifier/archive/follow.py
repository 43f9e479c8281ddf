"""What a search's feed has: the newest articles it finds, and what has become of others. Pure."""

from collections.abc import Iterable, Sequence

from services.notifier.archive.asked import Answer
from services.notifier.item import clean, item
from services.notifier.project import Known
from services.notifier.render.feed import (
    EPOCH,
    Address,
    Entry,
    Feed,
    article,
    newest_first,
    news_of,
)
from services.notifier.render.words import Link, pubmed
from services.notifier.standing import GONE, STANDINGS
from shared.article import Article, Status

NEWEST = 50
"""Articles in a feed."""

KINDS = tuple(status for status in STANDINGS if status is not Status.UPDATED)
"""What is told of a paper in an entry of its own."""


def newest(answer: Answer) -> list[int]:
    """The articles of a search that are news: found by the watch, and not gone since."""
    stands = [status for status in answer.shelf.bits["status"] if Status(status) not in GONE]
    news = answer.shelf.having("status", stands) & answer.shelf.having("origin", ["news"])
    return answer.shelf.in_order(answer.chosen & news)[:NEWEST]


def concerned(answer: Answer, changed: Iterable[Known]) -> list[Known]:
    """Those of the articles whose status changed that the search finds, or found before that.

    A filter by status says nothing here: who follows what stands wants to know what fell.
    """
    found = answer.shelf.of(one.pmid for one in changed)
    for facet in answer.shelf.bits:
        values = answer.asked.of(facet)
        if values and facet != "status":
            found &= answer.shelf.having(facet, values)
    pmids = set(answer.shelf.in_order(found))
    return [one for one in changed if one.pmid in pmids]


def feed(
    topic: tuple[str, str],
    address: Address,
    home: str,
    found: Sequence[Known],
    changed: Sequence[Known],
) -> Feed:
    """The feed of a search in a `topic` (id and title); `home` is the page of that search."""
    path = home.partition("/topics/")[2]
    entries = newest_first((*_news(topic[0], address, found), *_fates(topic[0], address, changed)))
    return Feed(
        id=f"tag:{address.host},2026:search:{path}",
        title=clean(topic[1]),
        address=address,
        home=home,
        updated=max((entry.last for entry in entries), default=EPOCH),
        entries=entries,
    )


def _news(topic: str, address: Address, found: Iterable[Known]) -> Iterable[Entry]:
    for one in found:
        times = (one.discovered_at, one.is_new_since)
        yield article(item(one.entry), topic, address, times)


def _fates(topic: str, address: Address, changed: Iterable[Known]) -> Iterable[Entry]:
    for one in changed:
        shown = item(one.entry)
        at = one.status_changed_at or one.discovered_at
        entry = article(shown, topic, address, (at, at))
        yield news_of(shown, (at, notices(one.entry.article)), entry)


def notices(article: Article) -> tuple[Link, ...]:
    """Where PubMed names the notice of what has become of a paper."""
    sources = STANDINGS[article.status].sources
    return tuple(
        Link(clean(one.source or f"PubMed {one.pmid}"), pubmed(one.pmid) if one.pmid else None)
        for one in article.corrections
        if one.ref_type in sources
    )
