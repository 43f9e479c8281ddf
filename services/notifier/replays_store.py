"""What the notifier knows of replayed events, and keeps of them: SQL only.

Everything is done in the caller's transaction.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.replays_compose import Collected
from services.notifier.tables import inbox, polls, replay_entries, revisions
from shared.database import insert
from shared.events import ArticleClassified, Classified, CloudEvent, PollCompleted
from shared.marks import Marks


async def had(
    connection: AsyncConnection, events: Collection[CloudEvent], name: str
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


async def keep(
    connection: AsyncConnection, brought: Sequence[tuple[ArticleClassified, Marks]], now: datetime
) -> None:
    """Keep what a replay may send to those whom its marks allow; in the order of their keys."""
    rows = [
        {
            "replay_id": marks.replay_id,
            "event_id": event.id,
            "topic": event.data.topic,
            "pmid": event.data.article.pmid,
            "revision": event.data.revision,
            "hop": marks.hop,
            "at": event.time,
            "allowed": list(marks.to),
            "entry": event.data.model_dump(mode="json"),
            "received_at": now,
        }
        for event, marks in sorted(brought, key=lambda one: (one[1].replay_id, one[0].id))
    ]
    if rows:
        await connection.execute(insert(connection, replay_entries).on_conflict_do_nothing(), rows)


async def collected(
    connection: AsyncConnection, replay_id: str, topic: str, subscription_id: str
) -> list[Collected]:
    """What a replay brought of a topic that this subscription may be sent."""
    names = [*Collected.__dataclass_fields__, "allowed"]
    rows = await connection.execute(
        sa.select(*(replay_entries.c[name] for name in names)).where(
            replay_entries.c.replay_id == replay_id, replay_entries.c.topic == topic
        )
    )
    return [Collected(*row[:-1]) for row in rows if subscription_id in row.allowed]


async def entries(
    connection: AsyncConnection, replay_id: str, event_ids: Collection[str]
) -> list[Classified]:
    """These entries of a replay, in the order of their events' ids."""
    rows = await connection.scalars(
        sa.select(replay_entries.c.entry)
        .where(
            replay_entries.c.replay_id == replay_id,
            replay_entries.c.event_id.in_(sorted(event_ids)),
        )
        .order_by(replay_entries.c.event_id)
    )
    return [Classified.model_validate(entry) for entry in rows]
