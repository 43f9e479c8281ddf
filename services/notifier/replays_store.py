"""What the notifier knows of replayed events: SQL only, in the caller's transaction."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.tables import inbox, polls, revisions
from shared.events import ArticleClassified, PollCompleted


async def had(
    connection: AsyncConnection, events: Collection[ArticleClassified | PollCompleted], name: str
) -> frozenset[str]:
    """The ids of those that the handler of this name has had live.

    The inbox forgets; the history of articles and the polls do not.
    """
    ids = sorted({event.id for event in events})
    in_inbox = sa.select(inbox.c.event_id).where(inbox.c.handler == name, inbox.c.event_id.in_(ids))
    in_history = sa.select(revisions.c.event_id).where(revisions.c.event_id.in_(ids))
    found = set(await connection.scalars(sa.union(in_inbox, in_history)))
    polled = [event for event in events if isinstance(event, PollCompleted)]
    if polled:
        key = (polls.c.topic, polls.c.poll_id)
        names = sorted({event.data.poll_id for event in polled})
        rows = await connection.execute(sa.select(*key).where(polls.c.poll_id.in_(names)))
        kept = {(row.topic, row.poll_id) for row in rows}
        found |= {one.id for one in polled if (one.data.topic, one.data.poll_id) in kept}
    return frozenset(found)
