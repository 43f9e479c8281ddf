"""Articles put into the poller's outbox, and how often each had its effect further on."""

from collections.abc import Sequence
from datetime import UTC, datetime

import aio_pika
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier import tables as classifier
from services.notifier import tables as notifier
from services.poller import tables as poller
from shared import topology
from shared.database import transaction
from shared.outbox import add_all
from tests.builders import an_article, discovered

FIRST_PMID = 50_000_000

EFFECTS: dict[str, sa.Table] = {
    "classified": classifier.classifications,
    "classifier's inbox": classifier.inbox,
    "told to the notifier": notifier.articles,
    "in an article's history": notifier.revisions,
}
"""Where an article leaves one row; more than one, if it had its effect twice."""


async def feed(engine: AsyncEngine, already: int, number: int) -> list[str]:
    """Commit so many new articles to the poller's outbox, as a poll does; the events' ids."""
    pmids = range(FIRST_PMID + already, FIRST_PMID + already + number)
    events = [discovered(article=an_article(pmid=pmid)) for pmid in pmids]
    async with transaction(engine) as connection:
        await add_all(connection, poller.outbox, events, datetime.now(UTC))
    return [event.id for event in events]


async def count(engine: AsyncEngine, table: sa.FromClause) -> int:
    """Rows of a table."""
    async with transaction(engine) as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


async def effects(engine: AsyncEngine) -> dict[str, int]:
    """How many effects there were, of each kind."""
    return {name: await count(engine, table) for name, table in EFFECTS.items()}


async def told_of(engine: AsyncEngine) -> set[str]:
    """Ids of the events that the notifier has had."""
    async with transaction(engine) as connection:
        return set(await connection.scalars(sa.select(notifier.inbox.c.event_id)))


async def archived(url: str) -> Sequence[str]:
    """The ids of all events in the archive, in its order."""
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=500)
        stream = await channel.declare_queue(topology.ARCHIVE, passive=True)
        ids: list[str] = []
        arguments = {"x-stream-offset": "first"}
        try:
            async with stream.iterator(arguments=arguments, timeout=3) as messages:
                async for message in messages:
                    await message.ack()
                    ids.append(str(message.message_id))
        except TimeoutError:
            pass
    return ids
