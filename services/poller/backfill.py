"""The past of a topic's queries, window by window: asked, fetched, written, closed.

What is found is announced like any article and marked as background, so that no digest brings it;
what is news by the rules of polls is announced as news. Nothing is reported as a poll: see
docs/decisions/0011-backfill.md.

A window is one ledger row, written when all of it is: after a crash it is asked again, and what
was written of it is known by then. Citing, similar and referenced articles have no windows;
every poll asks for all of them.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

import structlog

from services.poller import store
from services.poller.ask import ask_days
from services.poller.backfill_store import (
    closed_windows,
    known_among,
    waiting_among,
    write_window,
)
from services.poller.backfill_windows import PastWindow, Span, news_begins, past, still_open
from services.poller.collect import Outside, Run, fetch_all, note_reasons
from services.poller.ledger import read_standing
from services.poller.legs import Asked
from services.poller.poll import gather, with_waiting
from services.poller.settle import Tally, settle
from services.poller.topic import Topic
from shared.database import transaction
from shared.errors import ConfigurationError
from shared.events import Leg, event_id

log = structlog.get_logger(__name__)

GIVE_UP = 3
"""So many windows that stay open one after the other: the source is out of order, not a record."""


@dataclass(frozen=True)
class Backfill:
    """A backfill under way: its windows that are to be asked, and how many were closed before."""

    topic: Topic
    poll_id: str
    news_from: datetime
    windows: tuple[PastWindow, ...]
    closed_before: int = 0


@dataclass(frozen=True)
class Step:
    """A window that was asked, and its ledger line."""

    window: PastWindow
    leg: Leg


async def begin(outside: Outside, topic: Topic, span: Span) -> Backfill:
    """Plan a backfill: what was closed before under the same query term is not asked again.

    Raises:
        ConfigurationError: the topic has no query, the span has no day, or the store was filled
            from other E-utilities.
        Retryable: the database is away.
    """
    now = outside.clock()
    _check(topic, span)
    async with transaction(outside.engine) as connection:
        await store.claim_source(connection, outside.eutils.base_url, now)
        cursors = await read_standing(connection, topic)
        closed = await closed_windows(connection, topic.id)
    windows = tuple(past(topic, cursors, span, now))
    to_ask = still_open(windows, closed)
    return Backfill(
        topic=topic,
        poll_id=event_id(topic.source, "backfill", now.isoformat()),
        news_from=news_begins(topic, cursors, now),
        windows=to_ask,
        closed_before=len(windows) - len(to_ask),
    )


def _check(topic: Topic, span: Span) -> None:
    if not topic.query:
        raise ConfigurationError(
            f"topic {topic.id} has no query, and only queries have a past to ask for: "
            "its other relations are asked in full by every poll"
        )
    if span.until and span.until < span.since:
        raise ConfigurationError(
            f"the span ends ({span.until}) before it begins ({span.since}): exchange the two days"
        )


async def go_through(outside: Outside, backfill: Backfill) -> AsyncIterator[Step]:
    """Ask window after window, and give each with its ledger line.

    Ends early when `GIVE_UP` windows in a row stay open: the others would fare no better.

    Raises:
        Retryable: the database is away. PubMed's faults are in the windows' lines.
    """
    failures = 0
    for window in backfill.windows:
        leg = await _ask_window(outside, backfill, window)
        failures = failures + 1 if leg.state == "open" else 0
        yield Step(window, leg)
        if failures == GIVE_UP:
            return


async def _ask_window(outside: Outside, backfill: Backfill, window: PastWindow) -> Leg:
    topic = backfill.topic
    asked = await _ask(outside, backfill, window)
    run = await _run(outside, backfill, asked)
    await fetch_all(outside, run, sorted(run.found.keys() - run.known.keys(), reverse=True))
    await note_reasons(outside, run, set())
    leg = settle(asked, topic.seed, run.tally)
    async with transaction(outside.engine) as connection:
        await store.lock_topic(connection, topic.id)
        await write_window(connection, topic.id, window, leg, outside.clock())
    _report(topic, window, leg)
    return leg


async def _ask(outside: Outside, backfill: Backfill, window: PastWindow) -> Asked:
    """The window's days; where it holds what nobody was told yet, all of it is news.

    Where polls had all of it, what it holds beyond came to match late, and is news as in a poll.
    """
    start = _midnight(window.first)
    asked = await ask_days(outside.eutils, window.plan, start, _midnight(window.last))
    if window.is_news:
        return replace(asked, first=False, news_from=start)
    plan = replace(window.plan, whole=True) if window.is_known else window.plan
    return replace(asked, plan=plan, first=not window.is_known, news_from=backfill.news_from)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


async def _run(outside: Outside, backfill: Backfill, asked: Asked) -> Run:
    topic = backfill.topic
    found = gather((asked,), topic.seed)
    async with transaction(outside.engine) as connection:
        known = await known_among(connection, topic.id, found.keys())
        waiting = await waiting_among(connection, topic.id, found.keys() - known.keys())
    tally = Tally(known=frozenset(known))
    found = with_waiting(found, waiting)
    return Run(topic, backfill.poll_id, outside.clock(), (asked,), found, known, tally)


def _report(topic: Topic, window: PastWindow, leg: Leg) -> None:
    if leg.error:
        log.warning("window_open", topic=topic.id, window=str(window), error=leg.error)
    else:
        log.info("window_closed", topic=topic.id, window=str(window), new=leg.new)
