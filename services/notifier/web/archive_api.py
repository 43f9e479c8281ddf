"""The archive for programs: `/api/topics/{topic}/articles` and `/api/articles/{topic}/{pmid}`."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime

from services.notifier.archive import store
from services.notifier.archive.asked import PAGE, Answer, read
from services.notifier.archive.index import month
from services.notifier.archive.shelves import Shelves
from services.notifier.archive.store import Step
from services.notifier.export.parts import partial, person
from services.notifier.item import why_line
from services.notifier.project import Known
from services.notifier.render.words import pubmed
from services.notifier.standing import GONE
from services.notifier.web.about import about_topic
from services.notifier.web.api_models import PROBLEMS
from services.notifier.web.article_page import found as found_article
from services.notifier.web.house import House
from shared.article import AbstractSection, Correction, MeshHeading, Record, Status
from shared.database import transaction
from shared.events import Label, Reason


class FoundLabel(Record):
    """A label without its evidence."""

    facet: str
    id: str
    name: str
    confidence: float


class FoundArticle(Record):
    """An article as a search finds it. `published` is as precise as PubMed has it.

    `is_gone`: retracted, withdrawn, or taken out of PubMed.
    """

    pmid: int
    title: str
    authors: tuple[str, ...]
    journal: str
    published: str
    month: str
    doi: str | None
    pmcid: str | None
    status: Status
    is_gone: bool
    is_preprint: bool
    is_background: bool
    scope: str
    labels: tuple[FoundLabel, ...]
    trials: tuple[str, ...]
    why: str
    relatedness: float
    found_at: AwareDatetime
    url: str
    pubmed: str


class Found(Record):
    """One page of a search. `counts` says, by facet and value, what choosing it would show."""

    topic: str
    total: int
    page: int
    pages: int
    per_page: int
    counts: Mapping[str, Mapping[str, int]]
    articles: tuple[FoundArticle, ...]
    next: str | None


class HistoryStep(Record):
    """One event of an article's history: what it changed, and the labels from then on."""

    revision: int
    at: AwareDatetime
    status: Status
    changed: tuple[str, ...]
    scope: str
    labels: tuple[FoundLabel, ...]
    taxonomy_version: str
    classifier_version: str


class WholeArticle(FoundArticle):
    """An article with its text, its labels with their evidence, and its history."""

    title_html: str | None
    abstract: tuple[AbstractSection, ...]
    copyright: str | None
    evidence: tuple[Label, ...]
    reasons: tuple[Reason, ...]
    publication_types: tuple[str, ...]
    mesh: tuple[MeshHeading, ...]
    keywords: tuple[str, ...]
    corrections: tuple[Correction, ...]
    history: tuple[HistoryStep, ...]


Values = Annotated[list[str] | None, Query()]


async def _filters(  # noqa: PLR0913, PLR0917  they are what the address may have
    q: Annotated[str, Query(description="Words that all occur; in quotes, together.")] = "",
    modality: Values = None,
    disease: Values = None,
    target: Values = None,
    evidence: Values = None,
    product: Values = None,
    scope: Annotated[
        list[str] | None,
        Query(description="`all` for every scope; without one, core, adjacent and unclear."),
    ] = None,
    status: Values = None,
    relation: Values = None,
    kind: Annotated[list[str] | None, Query(description="`preprint` or `article`.")] = None,
    origin: Annotated[list[str] | None, Query(description="`news` or `background`.")] = None,
    year: Values = None,
    month: Annotated[list[str] | None, Query(description="As in 2026-09.")] = None,
    journal: Values = None,
    since: Annotated[date | None, Query(description="Found on that day or later.")] = None,
    sort: Annotated[Literal["newest", "related"], Query()] = "newest",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> None:
    """What may be asked, for the documentation; the same addresses open the pages."""


def router(house: House, shelves: Shelves) -> APIRouter:
    """Both routes."""
    routes = APIRouter(prefix="/api", tags=["archive"], responses=PROBLEMS)

    @routes.get("/topics/{topic}/articles")
    async def search(topic: str, request: Request, _: Annotated[None, Depends(_filters)]) -> Found:
        """Search a topic's articles, a page at a time, with the counts of every filter."""
        await about_topic(house, topic)
        answer = await shelves.answer(topic, read(request.query_params.multi_items()))
        async with transaction(house.engine) as connection:
            known = await store.entries(connection, topic, answer.page())
        return _found(house, topic, answer, known)

    @routes.get("/articles/{topic}/{pmid}")
    async def article(topic: str, pmid: str) -> WholeArticle:
        """One article with its evidence and history."""
        await about_topic(house, topic)
        async with transaction(house.engine) as connection:
            known = await found_article(connection, topic, pmid)
            steps = await store.steps(connection, topic, known.pmid)
        return _whole(house, known, steps)

    return routes


def _found(house: House, topic: str, answer: Answer, known: list[Known]) -> Found:
    number = min(answer.asked.page, answer.pages)
    path = f"{house.public_url}/api/topics/{topic}/articles"
    more = number < answer.pages
    return Found(
        topic=topic,
        total=answer.total,
        page=number,
        pages=answer.pages,
        per_page=PAGE,
        counts={
            facet: {value: count for value, count in counts.items() if count}
            for facet, counts in answer.counts.items()
        },
        articles=tuple(FoundArticle.model_validate(_fields(house, one)) for one in known),
        next=f"{path}?{answer.asked.at(number + 1).query()}" if more else None,
    )


def _fields(house: House, known: Known) -> dict[str, object]:
    entry, article = known.entry, known.entry.article
    labels = entry.classification.labels
    return {
        "pmid": article.pmid,
        "title": article.title,
        "authors": tuple(filter(None, map(person, article.authors))),
        "journal": article.journal.abbreviation or article.journal.title,
        "published": partial(article.published) or article.published.text or "",
        "month": month(known),
        "doi": article.doi,
        "pmcid": article.pmcid,
        "status": article.status,
        "is_gone": article.status in GONE,
        "is_preprint": article.is_preprint,
        "is_background": known.backfill,
        "scope": entry.classification.scope,
        "labels": tuple(FoundLabel(**one.model_dump(exclude={"evidence"})) for one in labels),
        "trials": entry.classification.trials or article.trial_ids,
        "why": why_line(entry.reasons),
        "relatedness": entry.relatedness,
        "found_at": known.discovered_at,
        "url": f"{house.public_url}/articles/{entry.topic}/{article.pmid}",
        "pubmed": pubmed(article.pmid),
    }


def _whole(house: House, known: Known, steps: list[Step]) -> WholeArticle:
    entry, article = known.entry, known.entry.article
    kept = ("title_html", "abstract", "copyright", "publication_types", "mesh", "keywords",
            "corrections")  # fmt: skip
    return WholeArticle.model_validate(
        {
            **_fields(house, known),
            **{name: getattr(article, name) for name in kept},
            "evidence": entry.classification.labels,
            "reasons": entry.reasons,
            "history": tuple(map(_step, steps)),
        }
    )


def _step(step: Step) -> HistoryStep:
    told = step.told
    return HistoryStep(
        revision=step.revision,
        at=step.at,
        status=step.status,
        changed=told.changed,
        scope=told.scope,
        labels=tuple(FoundLabel(**one.model_dump()) for one in told.labels),
        taxonomy_version=told.taxonomy_version,
        classifier_version=told.classifier_version,
    )
