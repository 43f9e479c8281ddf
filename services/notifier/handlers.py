"""What the notifier does with an event: it remembers it. Digests are cut by the clock."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notifier import store
from services.notifier.archive import store as archive
from services.notifier.project import project
from shared.clock import Clock
from shared.database import transaction
from shared.errors import Permanent
from shared.events import ArticleClassified, Event, PollCompleted, decode
from shared.inbox import first_times
from shared.placing import Handle
from shared.together import Together

INBOX = "project.v1"

Ours = ArticleClassified | PollCompleted
"""The events that the notifier remembers."""


def handler(engine: AsyncEngine, clock: Clock) -> Handle:
    """The notifier's handler of `article.classified` and `poll.completed`.

    It raises `Undecodable` for what is no event and `Permanent` for an event that is not ours.
    """
    together: Together[Ours] = Together(partial(_write, engine, clock))

    async def handle(body: bytes) -> None:
        await together.write(_ours(decode(body)))

    return handle


async def _write(engine: AsyncEngine, clock: Clock, events: Sequence[Ours]) -> None:
    """Remember what has not been had before, in one transaction.

    Articles in one order, so that two notifiers wait for each other's rows and neither for ever.
    """
    by_id = {event.id: event for event in events}
    async with transaction(engine) as connection:
        first = await first_times(connection, store.inbox, by_id, INBOX, clock())
        for event in sorted((by_id[one] for one in first), key=_place):
            await _remember(connection, event, clock)


def _place(event: Ours) -> tuple[str, str, str]:
    return event.type, event.source, event.subject


def _ours(event: Event) -> Ours:
    if isinstance(event, ArticleClassified | PollCompleted):
        return event
    raise Permanent(
        f"{event.type} {event.id} is not for the notifier: "
        "correct the binding of its queue, then redrive the message to where it belongs"
    )


async def _remember(connection: AsyncConnection, event: Ours, clock: Clock) -> None:
    if isinstance(event, PollCompleted):
        await store.keep_poll(connection, event.data)
        return
    entry = event.data
    known = await store.article(connection, entry.topic, entry.article.pmid)
    latest = project(known, entry, event.time, clock())
    await store.keep_article(connection, latest)
    await archive.index(connection, latest)
    await archive.note(connection, event)
    await store.note_received(connection, entry)
