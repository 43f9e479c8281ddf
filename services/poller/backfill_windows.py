"""Which windows of the past are asked, and from when on what they hold is news.

A window is a calendar month of one query, by CRDT alone: the day a record really entered PubMed
never changes, so that the months cut the past into parts that neither overlap nor move. EDAT
(and any date of publication) is set back for records that come late; by it a month of years ago
could grow after it was closed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.poller.legs import Cursor, Plan, is_first, news_from, plans, whole_past
from services.poller.legs import span as asked_from
from services.poller.topic import Topic

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Span:
    """What the user asks for: days, both included; open at the end without `until`."""

    since: date
    until: date | None = None


@dataclass(frozen=True)
class PastWindow:
    """Days of one query, both included; `is_news` when what they hold may not be background.

    `is_known` when polls had all of it: what is new there came to match late.
    """

    plan: Plan
    first: date
    last: date
    is_news: bool = False
    is_known: bool = False

    def __str__(self) -> str:
        return f"{self.plan.name} {self.first}..{self.last}"


@dataclass(frozen=True)
class ClosedWindow:
    """A window that the ledger has as closed: the query's term then, and its last day."""

    definition: str
    last: date


Closed = Mapping[tuple[str, date], ClosedWindow]
"""Closed windows by the leg's key and the first day."""


def news_begins(topic: Topic, cursors: Mapping[str, Cursor], now: datetime) -> datetime:
    """From when on an article is news, whichever leg or backfill names it first.

    The topic's look-back; and where a leg was not complete for longer than that, what came since
    it was, less the overlap. References are background whenever they come, and do not count.
    """
    telling = (plan for plan in plans(topic) if plan.relation != "references")
    starts = (news_from(topic, cursors.get(plan.key), now) for plan in telling)
    return min(starts, default=now - topic.lookback)


def past(
    topic: Topic, cursors: Mapping[str, Cursor], span: Span, now: datetime
) -> Iterator[PastWindow]:
    """The windows of all queries, the oldest first.

    Each query's end where its own polls look for news. None lies on both sides of the day from
    which on articles are news: where another leg is behind, this query's later windows hold
    what nobody was told yet.
    """
    news = news_begins(topic, cursors, now).date()
    for plan in _by_creation(topic):
        last = _end(topic, plan, cursors, now) - DAY
        if span.until:
            last = min(last, span.until)
        known = _known_from(topic, plan, cursors, now)
        for first, end in months(span.since, min(last, news - DAY)):
            yield PastWindow(plan, first, end, is_known=known is not None and first >= known)
        for first, end in months(max(span.since, news), last):
            yield PastWindow(plan, first, end, is_news=True)


def _by_creation(topic: Topic) -> Iterator[Plan]:
    return (plan for plan in plans(topic) if plan.datetype == "crdt")


def _known_from(
    topic: Topic, plan: Plan, cursors: Mapping[str, Cursor], now: datetime
) -> date | None:
    """From which day on a poll had all of the query, as it is now; None before it had."""
    if plan.query is None:
        return None
    whole = whole_past(topic, plan.query)
    cursor = cursors.get(whole.key)
    return None if is_first(whole, cursor) else asked_from(topic, whole, cursor, now).date()


def _end(topic: Topic, plan: Plan, cursors: Mapping[str, Cursor], now: datetime) -> date:
    """The day on which the first of a query's legs, by either date, begins to look for news."""
    own = (leg for leg in plans(topic) if leg.query == plan.query)
    return min(news_from(topic, cursors.get(leg.key), now) for leg in own).date()


def months(first: date, last: date) -> Iterator[tuple[date, date]]:
    """A span of days in calendar months, the first and last cut to the span; none if it is empty.

    >>> [f"{a:%d.%m.}-{b:%d.%m.}" for a, b in months(date(2024, 1, 15), date(2024, 3, 3))]
    ['15.01.-31.01.', '01.02.-29.02.', '01.03.-03.03.']
    """
    while first <= last:
        following = (first.replace(day=1) + 31 * DAY).replace(day=1)
        yield first, min(following - DAY, last)
        first = following


def still_open(windows: Iterable[PastWindow], closed: Closed) -> tuple[PastWindow, ...]:
    """The windows that were not closed yet with the same query term, and as far as they go."""
    return tuple(window for window in windows if not _is_closed(window, closed))


def _is_closed(window: PastWindow, closed: Closed) -> bool:
    known = closed.get((window.plan.key, window.first))
    return (
        known is not None
        and known.definition == window.plan.definition
        and known.last >= window.last
    )
