"""Asks PubMed for one leg. A leg that fails says so in its answer and stops no other."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial

from services.poller.eutils import Eutils, SearchAnswer
from services.poller.legs import Asked, Cursor, Plan, days, is_first, news_from, span
from services.poller.reading import is_doubtful, is_other, misread
from services.poller.topic import Query, Similar, Topic
from shared import tracing
from shared.errors import Permanent, Retryable
from shared.events import Reason, Relation

ELINK_AT_ONCE = 200
"""Articles whose links are asked for in one request."""


async def ask(
    eutils: Eutils,
    topic: Topic,
    plan: Plan,
    cursor: Cursor | None,
    now: datetime,
    tracked: Collection[int] = (),
) -> Asked:
    """The leg with PubMed's answer, or with the error in `error`.

    `tracked` are the PMIDs near the seed, for what lies one hop further.
    """
    first, since = is_first(plan, cursor), news_from(topic, cursor, now)
    asked = Asked(plan, first, before=cursor, news_from=since)
    if plan.query:
        asked = replace(asked, window_from=span(topic, plan, cursor, now), window_to=now)
    name = plan.query.name if plan.query else None
    with tracing.span("ask", topic=topic.id, relation=plan.relation, query=name) as under_way:
        try:
            if plan.relation == "cites-tracked":
                answered = await _cites_tracked(eutils, topic, asked, tracked)
            else:
                answered = await _ask(eutils, topic, asked)
        except (Retryable, Permanent) as error:
            under_way.failed(error)
            return replace(asked, error=str(error))
        under_way.note(counted=answered.counted)
        return answered


async def ask_days(eutils: Eutils, plan: Plan, start: datetime, end: datetime) -> Asked:
    """A query about the days of a span, as if for the first time, or with the error in `error`."""
    asked = Asked(plan, first=True, window_from=start, window_to=end)
    try:
        return await _query(eutils, asked)
    except (Retryable, Permanent) as error:
        return replace(asked, error=str(error))


async def _ask(eutils: Eutils, topic: Topic, asked: Asked) -> Asked:
    if asked.plan.relation == "query":
        return await _query(eutils, asked)
    answered = await _LINKED[asked.plan.relation](eutils, topic, asked)
    # elink answers an unknown PMID as it answers one without links.
    if not answered.reasons and not await eutils.exists(topic.seed):
        return replace(answered, unknown=False, error=_no_seed(topic))
    return answered


def _no_seed(topic: Topic) -> str:
    return f"PubMed has no article {topic.seed}: correct the seed of topic {topic.id}"


async def _query(eutils: Eutils, asked: Asked) -> Asked:
    query, start, end = asked.plan.query, asked.window_from, asked.window_to
    if query is None or start is None or end is None or asked.plan.datetype is None:
        raise ValueError(f"leg {asked.plan.key} is no query")
    before = None if asked.first else asked.before
    doubtful, other = (partial(doubt, query.term, before) for doubt in (is_doubtful, is_other))
    window = days(start, end)
    found = await eutils.search(query.term, window, asked.plan.datetype, doubtful)
    if doubtful(found):
        found = await eutils.search(query.term, window, asked.plan.datetype, other)
    # Of another query than was asked the answers are no use, however many there are.
    ids = () if other(found) else found.ids
    return replace(
        asked,
        counted=found.count,
        reasons={pmid: Reason(relation="query", name=query.name) for pmid in ids},
        query_translation=found.query_translation,
        warnings=found.warnings,
        error=_not_understood(query.name, await _left_out(eutils, query, found, before)),
    )


async def _left_out(
    eutils: Eutils, query: Query, found: SearchAnswer, before: Cursor | None
) -> str | None:
    """What PubMed left out of a query, so that its answer is none to what was asked."""
    return misread(query.term, before, found) or await _unknown_words(eutils, query, found)


async def _unknown_words(eutils: Eutils, query: Query, found: SearchAnswer) -> str | None:
    """Phrases without which the query finds nothing, on whatever day.

    One unknown synonym among others is no fault: the rest is asked, and may have a quiet week.
    """
    if found.count or not found.unknown_phrases or await eutils.count(query.term):
        return None
    return "; ".join(found.unknown_phrases)


def _not_understood(name: str, left_out: str | None) -> str | None:
    if not left_out:
        return None
    return f"PubMed did not understand query {name!r} ({left_out}): correct its term"


async def _similar(eutils: Eutils, topic: Topic, asked: Asked) -> Asked:
    kept = _nearest(await eutils.similar(topic.seed), topic.similar or Similar())
    reasons = {
        pmid: Reason(relation="similar", rank=rank, of=len(kept), score=score)
        for rank, (pmid, score) in enumerate(kept, 1)
    }
    return replace(asked, counted=len(reasons), reasons=reasons, unknown=not reasons)


Scored = tuple[int, int | None]


def _nearest(found: Iterable[Scored], wanted: Similar) -> list[Scored]:
    near = [(pmid, score) for pmid, score in found if score is None or score >= wanted.min_score]
    return near[: wanted.top]


async def _cited_by(eutils: Eutils, topic: Topic, asked: Asked) -> Asked:
    return _plain(asked, (await eutils.cited_by([topic.seed]))[topic.seed], "cited-by")


async def _references(eutils: Eutils, topic: Topic, asked: Asked) -> Asked:
    pmids = await eutils.references(topic.seed)
    return replace(_plain(asked, pmids, "references"), unknown=not pmids)


async def _cites_tracked(
    eutils: Eutils, topic: Topic, asked: Asked, tracked: Collection[int]
) -> Asked:
    """Articles that cite at least so many of the tracked ones."""
    least = topic.cites_tracked.at_least if topic.cites_tracked else 1
    cites: Counter[int] = Counter()
    sources = sorted({*tracked, topic.seed})
    for start in range(0, len(sources), ELINK_AT_ONCE):
        found = await eutils.cited_by(sources[start : start + ELINK_AT_ONCE])
        cites.update(pmid for citing in found.values() for pmid in citing)
    reasons = {
        pmid: Reason(relation="cites-tracked", cites=count)
        for pmid, count in sorted(cites.items())
        if count >= least
    }
    return replace(asked, counted=len(reasons), reasons=reasons)


def _plain(asked: Asked, pmids: Iterable[int], relation: Relation) -> Asked:
    reasons = {pmid: Reason(relation=relation) for pmid in pmids}
    return replace(asked, counted=len(reasons), reasons=reasons)


_LINKED = {"similar": _similar, "cited-by": _cited_by, "references": _references}
