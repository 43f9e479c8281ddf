"""The rules of a poll: what is new, what changed, what is news, what is read again."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.poller.legs import Asked, merge
from services.poller.relatedness import relatedness
from services.poller.topic import Topic
from shared.article import Article, changed_fields, content_hash
from shared.events import (
    ArticleDiscovered,
    ArticleRevised,
    Discovery,
    Reason,
    Relation,
    Revision,
    event_id,
    traceparent,
)

FRESH = timedelta(days=30)
"""News of the last 30 days is read again at every poll."""
LATE: dict[Relation, timedelta] = {
    "query": timedelta(days=366),
    "cites-tracked": timedelta(days=183),
}
"""How long after its entry a paper may come to match and is news all the same. Indexing takes
weeks or months, and so do links; but once a year NLM indexes old papers anew, and the more a topic
holds, the more old papers cite several of its articles. What only now entered PubMed is in the
windows of the other legs, and news whatever its dates."""
YOUNG = timedelta(days=365)
"""What entered PubMed less than a year ago is read again once a day: most retractions of a first
year are found within a day."""
READ_AGAIN = timedelta(days=1)
READ_OLD_AGAIN = timedelta(days=7)
"""Everything else is read again once a week, as far as the budget of a poll goes."""


@dataclass(frozen=True)
class Entry:
    """An article as the topic knows it. `announced_at` is the time of its last event."""

    article: Article
    revision: int
    reasons: tuple[Reason, ...]
    backfill: bool
    discovered_at: datetime
    announced_at: datetime
    reread_at: datetime
    poll_id: str


@dataclass(frozen=True)
class Known:
    """What deciding on an article needs, without the article."""

    reasons: tuple[Reason, ...]
    backfill: bool
    entered_at: datetime | None
    announced_at: datetime
    reread_at: datetime


@dataclass(frozen=True)
class Waiting:
    """Why an article that was not understood was found, and from when on such were news.

    `news_from` is None when it is news however old it is.
    """

    reasons: tuple[Reason, ...]
    news_from: datetime | None


@dataclass(frozen=True)
class Found:
    """A PMID of this poll: its reasons, the legs that name it, and what it waited with."""

    reasons: tuple[Reason, ...] = ()
    legs: tuple[Asked, ...] = ()
    waiting: Waiting | None = None


@dataclass(frozen=True)
class Moment:
    """The poll a decision belongs to, and its time."""

    topic: Topic
    poll_id: str
    now: datetime


@dataclass(frozen=True)
class Decision:
    """What an article becomes, and what is announced of it."""

    entry: Entry
    event: ArticleDiscovered | ArticleRevised | None


def gather(asked: Iterable[Asked], seed: int) -> dict[int, Found]:
    """Every PMID of a poll with all its reasons; the seed itself is none of them."""
    found: dict[int, Found] = {}
    for leg in asked:
        if leg.error:
            continue
        for pmid, reason in leg.reasons.items():
            before = found.get(pmid, Found())
            found[pmid] = Found(merge(before.reasons, (reason,)), (*before.legs, leg))
    found.pop(seed, None)
    return found


def with_waiting(found: Mapping[int, Found], waiting: Mapping[int, Waiting]) -> dict[int, Found]:
    """What was found, and what was found before and waits to be understood."""
    both = dict(found)
    for pmid, row in waiting.items():
        now = both.get(pmid, Found())
        both[pmid] = replace(now, reasons=merge(row.reasons, now.reasons), waiting=row)
    return both


def to_read_again(
    known: Mapping[int, Known], found: Collection[int], moment: Moment, budget: int
) -> list[int]:
    """Known articles to read again: what may have changed lately first, then the longest overdue.

    Lately: it answers a leg and entered PubMed within the overlap, or was news of 30 days. What
    was read in the future (the clock was put back) counts as unread.
    """
    ranked = [
        (not fresh, row.reread_at + _pause(row, moment.now), pmid)
        for pmid, row in known.items()
        if (fresh := _is_fresh(row, pmid in found, moment))
        or not moment.now - _pause(row, moment.now) < row.reread_at <= moment.now
    ]
    return [pmid for _, _, pmid in sorted(ranked)[: max(budget, 0)]]


def _pause(row: Known, now: datetime) -> timedelta:
    """How long an article that is not fresh is left alone between two readings."""
    entered = row.entered_at or row.announced_at
    return READ_AGAIN if entered > now - YOUNG else READ_OLD_AGAIN


def is_near(row: Known) -> bool:
    """Whether an article has a relation to the seed itself, and is not only one hop further."""
    return any(reason.relation != "cites-tracked" for reason in row.reasons)


def linked(article: Article) -> set[int]:
    """The papers that a notice or a new version speaks of: their own records change with it."""
    return {*article.notice_of, *article.earlier_versions}


def _is_fresh(row: Known, found: bool, moment: Moment) -> bool:
    entered = row.entered_at
    if found and entered and entered >= moment.now - moment.topic.overlap:
        return True
    return not row.backfill and row.announced_at >= moment.now - FRESH


def is_backfill(entered_at: datetime | None, found: Found, moment: Moment) -> bool:
    """Whether a new article was there before the watch began.

    What entered PubMed within the look-back is news, and what a leg has missed since it was
    complete under another definition. What is older is news when a leg that was complete before
    names it now: it came late, and late is not never. References are the exception: they are
    older than the seed, whenever PubMed gets to know of them; and there is an age beyond which
    coming to match a query, or to cite several of the topic's articles, is none (`LATE`).
    """
    start = news_since(found, moment)
    if entered_at is None:
        return start is not None and not any(_tells_late(leg) for leg in found.legs)
    return start is not None and entered_at < start


def _tells_late(leg: Asked) -> bool:
    return not leg.first and leg.plan.whole


def news_since(found: Found, moment: Moment) -> datetime | None:
    """From when on what was found like this is news; None when all of it is, however old.

    What waited is told as what it was when it was found; a leg that named it then says nothing
    else by naming it again.
    """
    if found.waiting is None:
        return _since(found.legs, moment)
    before = {reason.relation for reason in found.waiting.reasons}
    start = _since([leg for leg in found.legs if leg.plan.relation not in before], moment)
    since = found.waiting.news_from
    return None if start is None or since is None else min(start, since)


def _since(legs: Sequence[Asked], moment: Moment) -> datetime | None:
    lookback = moment.now - moment.topic.lookback
    starts = []
    for leg in legs:
        if leg.first:
            starts.append(leg.news_from or lookback)
        elif leg.plan.whole or leg.plan.relation == "cites-tracked":
            late = moment.now - LATE[leg.plan.relation]
            starts.append(min(late, leg.news_from or lookback))
        elif leg.plan.relation != "references":
            return None
    return min(starts, default=lookback)


def discover(article: Article, found: Found, moment: Moment) -> Decision:
    """A PMID that the topic did not know."""
    backfill = is_backfill(article.entered_at, found, moment)
    entry = Entry(
        article=article,
        revision=1,
        reasons=found.reasons,
        backfill=backfill,
        discovered_at=moment.now,
        announced_at=moment.now,
        reread_at=moment.now,
        poll_id=moment.poll_id,
    )
    data = Discovery.model_validate(_facts(entry, moment))
    identity = _identity(entry, moment, ArticleDiscovered.ROUTING_KEY)
    event = ArticleDiscovered(
        id=identity,
        source=moment.topic.source,
        subject=str(article.pmid),
        time=moment.now,
        traceparent=traceparent(identity),
        data=data,
    )
    return Decision(entry, event)


def revisit(entry: Entry, article: Article | None, found: Found, moment: Moment) -> Decision:
    """A PMID that the topic knows; `article` is its record as read now, if it was read.

    Announced are changed content and a relation that was not among the reasons before. Another
    rank or score only updates what is stored.
    """
    reasons = merge(entry.reasons, found.reasons)
    changed = changed_fields(entry.article, article) if article else ()
    if {reason.relation for reason in reasons} - {reason.relation for reason in entry.reasons}:
        changed = (*changed, "reasons")
    now = replace(
        entry,
        article=article or entry.article,
        reasons=reasons,
        reread_at=moment.now if article else entry.reread_at,
    )
    if not changed:
        return Decision(now, None)
    now = replace(now, revision=entry.revision + 1, announced_at=moment.now, poll_id=moment.poll_id)
    return Decision(now, _revised(entry, now, changed, moment))


def _revised(old: Entry, new: Entry, changed: tuple[str, ...], moment: Moment) -> ArticleRevised:
    identity = _identity(new, moment, ArticleRevised.ROUTING_KEY)
    data = Revision.model_validate(
        {**_facts(new, moment), "changed": changed, "previous_status": old.article.status}
    )
    return ArticleRevised(
        id=identity,
        source=moment.topic.source,
        subject=str(new.article.pmid),
        time=moment.now,
        traceparent=traceparent(identity),
        data=data,
    )


def _facts(entry: Entry, moment: Moment) -> dict[str, object]:
    return {
        "topic": moment.topic.id,
        "article": entry.article,
        "revision": entry.revision,
        "reasons": entry.reasons,
        "relatedness": relatedness(entry.reasons),
        "poll_id": moment.poll_id,
        "discovered_at": entry.discovered_at,
        "backfill": entry.backfill,
    }


def _identity(entry: Entry, moment: Moment, kind: str) -> str:
    article = entry.article
    parts = (article.pmid, content_hash(article), entry.revision)
    return event_id(moment.topic.source, kind, *parts)
