"""One poll from end to end: ask every leg, fetch what is due, write, announce, close."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.poller import parked, store
from services.poller.alone import only_poller
from services.poller.ask import ask
from services.poller.collect import Outside, Run, fetch_all, note_reasons
from services.poller.eutils import Eutils
from services.poller.ledger import OpenLeg, close_poll, read_open, read_standing
from services.poller.legs import leg_key, plans, whole_pasts
from services.poller.poll import gather, is_near, to_read_again, with_waiting
from services.poller.report import report
from services.poller.schedule import LastPoll, due, next_poll_at
from services.poller.settle import Tally, aged, settle, settle_reread
from services.poller.topic import Topic
from shared import tracing
from shared.clock import Clock
from shared.database import transaction
from shared.errors import Retryable
from shared.events import Leg, Poll, event_id

log = structlog.get_logger(__name__)

MAX_REREAD = 1000
"""Known articles read again in one poll: five requests."""


async def poll_due(
    engine: AsyncEngine,
    eutils: Eutils,
    topics: Sequence[Topic],
    clock: Clock,
    max_reread: int = MAX_REREAD,
) -> list[Poll]:
    """Poll every topic whose time has come. A topic that fails keeps no other from being polled.

    Raises:
        Retryable: the database is away. ConfigurationError: as `poll_topic`. The first fault is
            raised when all topics had their turn and none was polled; the others are logged.
            What was polled is always told: metrics and the dead-man's switch live on it.
    """
    polls: list[Poll] = []
    faults: list[tuple[Topic, Exception]] = []
    for topic in topics:
        try:
            polls += await _poll_if_due(Outside(engine, eutils, clock), topic, max_reread)
        except Exception as fault:  # noqa: BLE001  of any kind: it is one topic's, and told below
            faults.append((topic, fault))
    for failed, reason in faults if polls else faults[1:]:
        log.warning("topic_not_polled", topic=failed.id, reason=str(reason))
    if faults and not polls:
        raise faults[0][1]
    return polls


async def _poll_if_due(outside: Outside, topic: Topic, max_reread: int) -> list[Poll]:
    if not await _is_due(outside, topic):
        return []
    async with only_poller(outside.engine, topic.id) as mine:
        # Another one may have polled between the first look and the lock.
        if not mine or not await _is_due(outside, topic):
            return []
        return [await _poll(outside, topic, max_reread)]


async def _is_due(outside: Outside, topic: Topic) -> bool:
    now = outside.clock()
    async with transaction(outside.engine) as connection:
        return due(topic, await store.last_poll(connection, topic.id, now), now)


async def poll_topic(
    engine: AsyncEngine, eutils: Eutils, topic: Topic, clock: Clock, max_reread: int = MAX_REREAD
) -> Poll:
    """Poll one topic now. PubMed's faults are in the poll's legs; they are not raised.

    Articles are written and announced in chunks; a crash between two of them loses nothing, as
    the cursors move only in the last transaction, and announces nothing twice, as each article
    is written together with its event.

    Raises:
        Retryable: another process polls this topic just now, or the database is away. What was
            committed stays; poll again.
        ConfigurationError: the store was filled from other E-utilities.
    """
    async with only_poller(engine, topic.id) as mine:
        if not mine:
            raise Retryable(f"topic {topic.id} is being polled by another process: wait for it")
        return await _poll(Outside(engine, eutils, clock), topic, max_reread)


async def _poll(outside: Outside, topic: Topic, max_reread: int) -> Poll:
    limit = timedelta(minutes=topic.poll_within_minutes)
    outside = replace(outside, eutils=outside.eutils.for_poll(limit))
    with tracing.span("poll", topic=topic.id) as span:
        poll = await _polled(outside, topic, max_reread)
        span.note(poll_id=poll.poll_id, announced=poll.announced, healthy=poll.healthy)
    return poll


async def _polled(outside: Outside, topic: Topic, max_reread: int) -> Poll:
    run = await _begin(outside, topic)
    named = set(run.found)
    waiting = await _take_up(outside, run)
    again = to_read_again(run.known, named, run.moment(outside.clock()), max_reread)
    again += sorted((waiting & run.known.keys()) - set(again))
    run.again = (*again, *sorted(waiting - named - run.known.keys()))
    unknown = sorted(run.found.keys() - run.known.keys(), reverse=True)
    await fetch_all(outside, run, unknown + again)
    again += await _read_linked(outside, run, set(again))
    await note_reasons(outside, run, set(again))
    return await _end(outside, run)


async def _read_linked(outside: Outside, run: Run, read: set[int]) -> list[int]:
    """Read known papers that a new notice or version points to: now, and not in their turn."""
    papers = sorted((run.linked & run.known.keys()) - read)
    run.again = (*run.again, *papers)
    await fetch_all(outside, run, papers)
    return papers


async def _take_up(outside: Outside, run: Run) -> set[int]:
    """Ask for parked records too: PubMed may have mended them since, or we our parser."""
    async with transaction(outside.engine) as connection:
        if not any(leg.error for leg in run.asked):
            await parked.drop_withheld(connection, run.topic.id, run.found.keys(), run.started)
        await parked.drop_nameless(connection, run.topic.id, run.started)
        waiting = await parked.take_up(connection, run.topic.id, run.started)
    new = {pmid: row for pmid, row in waiting.items() if pmid not in run.known}
    run.found = with_waiting(run.found, new)
    return set(waiting)


async def _begin(outside: Outside, topic: Topic) -> Run:
    now = outside.clock()
    async with transaction(outside.engine) as connection:
        await store.claim_source(connection, outside.eutils.base_url, now)
        poll_id, started = await _free_id(connection, topic, now)
        cursors = await read_standing(connection, topic)
        known = await store.read_known(connection, topic.id)
    legs = (*plans(topic), *whole_pasts(topic, cursors, now))
    near = [pmid for pmid, row in known.items() if is_near(row)]
    # At once: where NCBI is out of order, the legs wait for it together and not in turn.
    asked = tuple(
        await asyncio.gather(
            *(ask(outside.eutils, topic, plan, cursors.get(plan.key), now, near) for plan in legs)
        )
    )
    tally = Tally(known=frozenset(known))
    return Run(topic, poll_id, started, asked, gather(asked, topic.seed), known, tally)


async def _free_id(
    connection: AsyncConnection, topic: Topic, now: datetime
) -> tuple[str, datetime]:
    """An id from the instant of the start; a clock that stands still is moved by microseconds."""
    while True:
        poll_id = event_id(topic.source, "poll", now.isoformat())
        if not await store.has_poll(connection, poll_id):
            return poll_id, now
        now += timedelta(microseconds=1)


async def _end(outside: Outside, run: Run) -> Poll:
    finished = max(outside.clock(), run.started)
    async with transaction(outside.engine) as connection:
        await store.lock_topic(connection, run.topic.id)
        before = await read_open(connection, run.topic.id)
        legs = tuple(_aged(leg, run, before, finished) for leg in _lines(run))
        last = LastPoll(finished, healthy=all(leg.state != "open" for leg in legs))
        poll = Poll(
            topic=run.topic.id,
            topic_title=run.topic.title,
            seed=run.topic.seed,
            poll_id=run.poll_id,
            started_at=run.started,
            finished_at=finished,
            legs=legs,
            announced=await store.count_announced(connection, run.topic.id, run.poll_id),
            healthy=last.healthy,
            next_at=next_poll_at(run.topic, last, finished),
        )
        await close_poll(connection, run.topic, poll, run.asked)
    report(poll, before)
    return poll


def _lines(run: Run) -> tuple[Leg, ...]:
    legs = tuple(settle(asked, run.topic.seed, run.tally) for asked in run.asked)
    reread = settle_reread(run.again, run.tally)
    return (*legs, reread) if reread else legs


def _aged(leg: Leg, run: Run, before: Mapping[str, OpenLeg], now: datetime) -> Leg:
    if leg.state != "open":
        return leg
    key = leg_key(leg.relation, leg.name)
    if key in before:
        since = before[key].since
    else:
        complete = (one.before for one in run.asked if one.plan.key == key and not one.first)
        cursor = next(complete, None)
        since = cursor.moved_to if cursor else run.started
    return aged(leg, min(since, now), now, run.topic.alarm_after)
