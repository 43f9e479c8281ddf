"""What the conductor of the demo waits for before it moves the clock."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.classifier import tables as classifier
from services.console.pulse import by_state, on_the_way
from services.console.stores import Stores
from services.notifier import tables as notifier
from services.notifier.plan import due as digests_due
from services.poller import tables as poller
from services.poller.schedule import due
from services.poller.store import last_poll
from services.poller.topic import Topic
from shared.database import transaction
from shared.outbox import pending


async def awaited(stores: Stores, topic: Topic, now: datetime) -> str | None:
    """What has yet to happen before everything that belongs to `now` is done; None when it is.

    It is looked for in the order in which things go on: what has left one place by the time of
    the look is found in a later one.

    Raises:
        Retryable: a database is away.
    """
    async with transaction(stores.poller) as connection:
        last = await last_poll(connection, topic.id, now)
        polls = await _polls(connection, poller.polls, topic)
    if due(topic, last, now):
        return "a poll"
    for engine, table in (
        (stores.poller, poller.outbox),
        (stores.classifier, classifier.outbox),
        (stores.notifier, notifier.outbox),
    ):
        async with transaction(engine) as connection:
            if await pending(connection, table):
                return "events to be published"
    async with transaction(stores.notifier) as connection:
        if await _polls(connection, notifier.polls, topic) < polls:
            return "a poll's report"
        if articles := await on_the_way(connection, topic.id):
            return f"{articles} articles"
    digests = len(await digests_due(stores.notifier, now))
    async with transaction(stores.notifier) as connection:
        digests += (await by_state(connection)).get("intent", 0)
    return f"{digests} digests" if digests else None


async def _polls(connection: AsyncConnection, table: sa.Table, topic: Topic) -> int:
    count = sa.select(sa.func.count()).select_from(table).where(table.c.topic == topic.id)
    return await connection.scalar(count) or 0
