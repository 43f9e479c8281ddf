"""What the notifier does with an event: it remembers it. Digests are cut by the clock."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notifier import replays_digests, store
from services.notifier.archive import store as archive
from services.notifier.project import Known, project
from services.notifier.replays import replays
from shared import tracing
from shared.clock import Clock
from shared.database import transaction
from shared.errors import Permanent
from shared.events import ArticleClassified, Event, PollCompleted, ReplayFinished, decode
from shared.inbox import first_times
from shared.marks import marks_of
from shared.placing import Handle
from shared.together import Together
from shared.under_replay import UnderReplay

log = structlog.get_logger(__name__)

UNDER_REPLAY = UnderReplay.APART

INBOX = "project.v1"

Ours = ArticleClassified | PollCompleted | ReplayFinished
"""The events that the notifier remembers."""


def handler(engine: AsyncEngine, clock: Clock) -> Handle:
    """The notifier's handler of `article.classified`, `poll.completed` and `replay.finished`.

    It raises `Undecodable` for what is no event and `Permanent` for an event that is not ours.
    What a replay brings goes its own way (`services.notifier.replays`).
    """
    together: Together[Ours] = Together(partial(_write, engine, clock))
    replayed = replays(engine, clock, INBOX)

    async def handle(body: bytes) -> None:
        event = _ours(decode(body))
        if marks := marks_of(event):
            await replayed(event, marks)
        else:
            await together.write(event)

    return handle


async def _write(engine: AsyncEngine, clock: Clock, events: Sequence[Ours]) -> None:
    """Remember what has not been had before, in one transaction.

    Articles in one order, so that two notifiers wait for each other's rows and neither for ever;
    of one article in the order in which its events came.
    """
    by_id = {event.id: event for event in events}
    async with transaction(engine) as connection:
        first = await first_times(connection, store.inbox, by_id, INBOX, clock())
        fresh = sorted((one for one in by_id.values() if one.id in first), key=_place)
        for event in fresh:
            await remember(connection, event, clock)
    _tell(fresh)


def _tell(events: Sequence[Ours]) -> None:
    """A line for each live article; with what caused it, it is the classifier's line's other end.

    Of several that were written together each names itself.
    """
    for event in events:
        if isinstance(event, ArticleClassified) and not event.data.backfill:
            pmid, topic = event.data.article.pmid, event.data.topic
            ids = {"event_id": event.id, "cause": event.causationid}
            ids |= tracing.ids_in(event.traceparent)
            log.info("article_received", **ids, topic=topic, pmid=pmid)


def _place(event: Ours) -> tuple[str, str, str]:
    return event.type, event.source, event.subject


def _ours(event: Event) -> Ours:
    if isinstance(event, ArticleClassified | PollCompleted | ReplayFinished):
        return event
    raise Permanent(
        f"{event.type} {event.id} is not for the notifier: "
        "correct the binding of its queue, then redrive the message to where it belongs"
    )


async def remember(connection: AsyncConnection, event: Ours, clock: Clock) -> None:
    """What an event tells, in the caller's transaction."""
    if isinstance(event, PollCompleted):
        await store.keep_poll(connection, event.data)
        return
    if isinstance(event, ReplayFinished):
        await replays_digests.promise(connection, event.data, clock())
        return
    entry = event.data
    latest = await _keep(connection, event, clock())
    await archive.index(connection, latest)
    await archive.note(connection, event)
    await store.note_received(connection, entry)


async def _keep(connection: AsyncConnection, event: ArticleClassified, now: datetime) -> Known:
    """The article as it is after the event. Who lost the race to be first comes second."""
    entry = event.data
    known = await store.article(connection, entry.topic, entry.article.pmid)
    if known is None:
        first = project(None, entry, event.time, now)
        if await store.keep_first(connection, first):
            return first
        known = await store.article(connection, entry.topic, entry.article.pmid)
    latest = project(known, entry, event.time, now)
    await store.keep_article(connection, latest)
    return latest
