"""What the notifier does with an event: it remembers it. Digests are cut by the clock."""

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notifier import store
from services.notifier.archive import store as archive
from services.notifier.project import project
from shared.clock import Clock
from shared.database import transaction
from shared.errors import Permanent
from shared.events import ArticleClassified, Event, PollCompleted, decode
from shared.inbox import first_time
from shared.placing import Handle

INBOX = "project.v1"


def handler(engine: AsyncEngine, clock: Clock) -> Handle:
    """The notifier's handler of `article.classified` and `poll.completed`.

    It raises `Undecodable` for what is no event and `Permanent` for an event that is not ours.
    """

    async def handle(body: bytes) -> None:
        event = _ours(decode(body))
        async with transaction(engine) as connection:
            if await first_time(connection, store.inbox, event.id, INBOX, clock()):
                await _remember(connection, event, clock)

    return handle


def _ours(event: Event) -> ArticleClassified | PollCompleted:
    if isinstance(event, ArticleClassified | PollCompleted):
        return event
    raise Permanent(
        f"{event.type} {event.id} is not for the notifier: "
        "correct the binding of its queue, then redrive the message to where it belongs"
    )


async def _remember(
    connection: AsyncConnection, event: ArticleClassified | PollCompleted, clock: Clock
) -> None:
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
