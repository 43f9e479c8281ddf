"""The legs of a poll: every relation of a topic, what it asks for, and what it was answered."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.poller.eutils import DateType, Window
from services.poller.topic import Query, Topic
from shared.events import Reason, Relation

ORDER: tuple[Relation, ...] = ("query", "similar", "cited-by", "cites-tracked", "references")
_DATES = re.compile(r"(?:^|\s*AND)\s*\d{4}/\d{2}/\d{2}\s*:\s*\d{4}/\d{2}/\d{2}\[[^\]]*\]\s*$")


def leg_key(relation: Relation, name: str | None) -> str:
    """What a leg is kept under in the ledger, and its cursor."""
    return ":".join(filter(None, (relation, name)))


@dataclass(frozen=True)
class Plan:
    """One leg: a query by one of its dates, or a relation by link.

    `whole` asks a query for all its past, as records come to match after their entry.
    """

    relation: Relation
    definition: str
    name: str | None = None
    query: Query | None = None
    datetype: DateType | None = None
    whole: bool = False

    @property
    def key(self) -> str:
        """What its cursor is kept under."""
        return leg_key(self.relation, self.name)


@dataclass(frozen=True)
class Cursor:
    """Up to when a leg is known to be complete, what was asked then, and PubMed's words on it."""

    moved_to: datetime
    definition: str
    query_translation: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """A leg with PubMed's answer: its reason for each PMID, or the error instead.

    `first` is true until the leg was complete once, and again when its definition changed.
    `news_from` is from when on what it names is news although it is the first time; None is the
    topic's look-back. `unknown` is true when PubMed cannot tell, which is not the same as none.
    `before` is how the leg stood when it was last complete.
    """

    plan: Plan
    first: bool
    before: Cursor | None = None
    news_from: datetime | None = None
    window_from: datetime | None = None
    window_to: datetime | None = None
    counted: int | None = None
    reasons: Mapping[int, Reason] = field(default_factory=dict)
    query_translation: str | None = None
    warnings: tuple[str, ...] = ()
    unknown: bool = False
    error: str | None = None


def plans(topic: Topic) -> Iterator[Plan]:
    """The legs of a topic, in order; each query by its day of creation, then of entry."""
    for query in topic.query:
        yield Plan("query", query.term, query.name, query, "crdt")
        yield Plan("query", query.term, f"{query.name} (entry date)", query, "edat")
    if topic.similar:
        yield Plan("similar", f"{topic.seed} {topic.similar.top} {topic.similar.min_score}")
    if topic.cited_by:
        yield Plan("cited-by", str(topic.seed))
    if topic.cites_tracked:
        yield Plan("cites-tracked", f"{topic.seed} {topic.cites_tracked.at_least}")
    if topic.references:
        yield Plan("references", str(topic.seed))


def whole_pasts(topic: Topic, cursors: Mapping[str, Cursor], now: datetime) -> Iterator[Plan]:
    """The legs that ask a query for its whole past, where that was not complete this week yet.

    A record may match only when it is indexed or mended, long after its entry: it then lies in no
    window of the other legs any more.
    """
    for query in topic.query:
        plan = whole_past(topic, query)
        cursor = cursors.get(plan.key)
        if cursor is None or is_first(plan, cursor) or not _is_same_week(cursor.moved_to, now):
            yield plan


def whole_past(topic: Topic, query: Query) -> Plan:
    """The leg that asks a query for its whole past.

    How long that is belongs to its definition: what a longer one adds did not come to match late.
    """
    definition = f"{topic.backfill_years} years of {query.term}"
    return Plan("query", definition, f"{query.name} (whole past)", query, "crdt", whole=True)


def _is_same_week(one: datetime, other: datetime) -> bool:
    return one.isocalendar()[:2] == other.isocalendar()[:2]


def is_first(plan: Plan, cursor: Cursor | None) -> bool:
    """Whether this leg, as it is now defined, was never complete."""
    return cursor is None or cursor.definition != plan.definition


def span(topic: Topic, plan: Plan, cursor: Cursor | None, now: datetime) -> datetime:
    """From when a query is asked: what is known to be complete less the overlap.

    The first time, and of the whole past every time, that is the back catalogue the topic wants,
    and all that is news. A cursor in the future (the clock was put back) counts as now.
    """
    if cursor is None or plan.whole or is_first(plan, cursor):
        years = timedelta(days=365.25 * topic.backfill_years)
        whole = now - max(years, topic.lookback, topic.overlap)
        return min(whole, news_from(topic, cursor, now))
    return min(cursor.moved_to, now) - topic.overlap


def news_from(topic: Topic, cursor: Cursor | None, now: datetime) -> datetime:
    """From when on what entered PubMed is news to a leg that was never complete as it is now.

    The topic's look-back; and where the leg was complete under another definition, no later than
    that less the overlap: what came since was never announced, however long ago that is.
    """
    start = now - topic.lookback
    return min(start, cursor.moved_to - topic.overlap) if cursor else start


def standing(
    topic: Topic, cursors: Mapping[str, Cursor], asked_since: Mapping[str, datetime]
) -> dict[str, Cursor]:
    """The cursors, and one for each leg that was asked and never complete, by the legs' keys.

    What was news to such a leg when it was first asked stays news, however long PubMed cannot be
    reached; so its cursor stands where that began, under a definition that no leg has.
    """
    never = {key: begun(topic, since) for key, since in asked_since.items()}
    return {**never, **cursors}


def begun(topic: Topic, since: datetime) -> Cursor:
    """The cursor of a leg that was first asked at `since` and never complete."""
    return Cursor(since - topic.lookback + topic.overlap, definition="")


def days(start: datetime, end: datetime) -> Window:
    """The days of a span, both ends included."""
    return Window(start.date(), end.date())


def without_dates(translation: str | None) -> str | None:
    """A query translation without the window we added, for comparison from poll to poll.

    Empty when the window is all that is left of it.
    """
    return _DATES.sub("", translation) if translation else None


def drift(asked: Asked) -> tuple[str | None, tuple[str, ...] | None]:
    """How PubMed read the query before, and what it remarked, where either has changed since.

    None for what has not changed; an outage and a changed definition change nothing.
    """
    before, translation = asked.before, without_dates(asked.query_translation)
    if before is None or asked.first or not translation:
        return None, None
    reading = before.query_translation if before.query_translation != translation else None
    return reading, before.warnings if before.warnings != asked.warnings else None


def merge(old: tuple[Reason, ...], new: tuple[Reason, ...]) -> tuple[Reason, ...]:
    """All reasons, the newer of two for the same relation and name, in the order of `ORDER`."""
    by_kind = {(reason.relation, reason.name or ""): reason for reason in (*old, *new)}
    return tuple(by_kind[kind] for kind in sorted(by_kind, key=_place))


def _place(kind: tuple[Relation, str]) -> tuple[int, str]:
    return ORDER.index(kind[0]), kind[1]
