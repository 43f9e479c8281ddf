"""One article: its record, its labels and what carries them, why it is here, its history."""

from collections.abc import Sequence

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import store as articles
from services.notifier.archive import highlight, store
from services.notifier.archive.filters import TITLES
from services.notifier.archive.history import history
from services.notifier.archive.shelves import Shelves
from services.notifier.archive.store import Step
from services.notifier.item import Item, clean, date_text, item
from services.notifier.project import Known
from services.notifier.render.ties import MOST, tie_lines
from services.notifier.render.words import Link, pubmed
from services.notifier.standing import STANDINGS
from services.notifier.ties import Kin, named, ties
from services.notifier.web.about import about_topic
from services.notifier.web.faults import NOT_FOUND, Refused
from services.notifier.web.house import House
from services.notifier.web.pages import page
from services.notifier.web.topic_page import DOWNLOADS, shown
from shared.article import Article
from shared.database import transaction

_NOTICES = {
    "RetractionIn": "Retraction",
    "PartialRetractionIn": "Partial retraction",
    "RetractedandRepublishedIn": "Retracted and republished",
    "ExpressionOfConcernIn": "Expression of concern",
    "ErratumIn": "Erratum",
    "CorrectedandRepublishedIn": "Corrected and republished",
    "RepublishedIn": "Republished",
}


def router(house: House, shelves: Shelves) -> APIRouter:
    """The page `/articles/{topic}/{pmid}`."""
    del shelves
    routes = APIRouter(include_in_schema=False)

    @routes.get("/articles/{topic}/{pmid}")
    async def article(topic: str, pmid: str) -> Response:
        about = await about_topic(house, topic)
        async with transaction(house.engine) as connection:
            known = await found(connection, topic, pmid)
            steps = await store.steps(connection, topic, known.pmid)
            kin = await _kin(connection, topic, known.entry.article)
        told = _told(known, steps, kin)
        return page(house, "article.html.j2", {**told, "topic": about, **shown()})

    return routes


async def found(connection: AsyncConnection, topic: str, pmid: str) -> Known:
    """An article of a topic by the number in an address.

    Raises:
        Refused: there is none.
    """
    known = await store.entry(connection, topic, pmid)
    if known is None:
        raise Refused(NOT_FOUND)
    return known


async def _kin(connection: AsyncConnection, topic: str, article: Article) -> Kin:
    versions = await articles.versions(connection, topic)
    others = named([article], versions)
    return Kin(versions=versions, known=await articles.named(connection, topic, others))


def _told(known: Known, steps: Sequence[Step], kin: Kin) -> dict[str, object]:
    entry, article = known.entry, known.entry.article
    tied = ties([entry], (), kin).get(article.pmid, ())
    shown_item = item(entry, tied)
    sections = highlight.abstract(article, shown_item.labels)
    return {
        "item": shown_item,
        "article": article,
        "entry": entry,
        "known": known,
        "standing": STANDINGS.get(article.status),
        "notices": notices(article),
        "ties": list(zip(tie_lines(shown_item), _here(shown_item, kin), strict=False)),
        "sections": sections,
        "anchors": highlight.anchors(sections),
        "key": highlight.key,
        "facets": TITLES,
        "cited": citation(article),
        "history": history(steps, background=known.backfill),
        "downloads": DOWNLOADS,
        "authors": [_author(article, at) for at in range(len(article.authors))],
    }


def _here(shown_item: Item, kin: Kin) -> list[int | None]:
    """The PMIDs of ties that have a page here, in the order of their lines."""
    return [tie.pmid if tie.pmid in kin.known else None for tie in shown_item.ties[:MOST]] + [None]


def notices(article: Article) -> list[tuple[str, Link]]:
    """What has been published about this paper: what it is, and where."""
    return [
        (
            _NOTICES[one.ref_type],
            Link(clean(one.source or f"PubMed {one.pmid}"), pubmed(one.pmid) if one.pmid else None),
        )
        for one in article.corrections
        if one.ref_type in _NOTICES and (one.pmid or one.source)
    ]


def _author(article: Article, at: int) -> str:
    one = article.authors[at]
    if one.collective_name:
        return clean(one.collective_name)
    return clean(f"{one.fore_name or one.initials or ''} {one.last_name or ''}")


def citation(article: Article) -> str:
    """As in "J Ex. 9 Oct 2026;12(3):45-9.", as far as known."""
    journal = article.journal
    issue = f"({journal.issue})" if journal.issue else ""
    pages = f":{journal.pages}" if journal.pages else ""
    place = f"{journal.volume or ''}{issue}{pages}"
    when = date_text(article.published)
    parts = [clean(journal.abbreviation or journal.title), ";".join(filter(None, (when, place)))]
    return clean(". ".join(filter(None, parts)) + ".") if any(parts) else ""
