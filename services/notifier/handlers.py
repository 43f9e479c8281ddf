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
        now = clock()
        first = await first_times(connection, store.inbox, by_id, INBOX, now)
        fresh = sorted((one for one in by_id.values() if one.id in first), key=_place)
        await remember(connection, fresh, now)
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


async def remember(connection: AsyncConnection, events: Sequence[Ours], now: datetime) -> None:
    """What events tell, in the caller's transaction: articles first, each statement for all."""
    told = [event for event in events if isinstance(event, ArticleClassified)]
    if told:
        await archive.index(connection, await _keep(connection, told, now))
        await archive.note(connection, told)
        await store.note_received(connection, [event.data for event in told])
    for event in events:
        if isinstance(event, PollCompleted):
            await store.keep_poll(connection, event.data)
        elif isinstance(event, ReplayFinished):
            await replays_digests.promise(connection, event.data, now)


async def _keep(
    connection: AsyncConnection, events: Sequence[ArticleClassified], now: datetime
) -> list[Known]:
    """The articles as they are after the events. Who lost the race to be first comes second.

    Of three notifiers that do so at once two may wait for each other; PostgreSQL ends one of them,
    whose messages are then written each by itself.
    """
    had = await store.locked(connection, {store.key_of(event.data) for event in events})
    after = dict(had)
    for event in events:
        key = store.key_of(event.data)
        after[key] = project(after.get(key), event.data, event.time, now)
    lost = await store.keep_first(connection, [one for key, one in after.items() if key not in had])
    await store.keep_known(connection, [after[key] for key in had])
    late = [event for event in events if store.key_of(event.data) in lost]
    kept = [one for key, one in after.items() if key not in lost]
    return kept + (await _keep(connection, late, now) if late else [])
