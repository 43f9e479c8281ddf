"""The end of a poll: ledger lines, cursors and `poll.completed`, in one transaction. SQL only."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.poller import store
from services.poller.legs import Asked, Cursor, leg_key, without_dates
from services.poller.tables import legs, outbox, polls
from services.poller.topic import Topic
from shared.events import Leg, Poll, PollCompleted, event_id, traceparent
from shared.outbox import add


async def close_poll(
    connection: AsyncConnection, topic: Topic, poll: Poll, asked: tuple[Asked, ...]
) -> None:
    """Write the poll, move the cursors of the legs that agree, and say that the poll ended."""
    await connection.execute(
        polls.insert().values(
            poll_id=poll.poll_id,
            topic=poll.topic,
            started_at=poll.started_at,
            finished_at=poll.finished_at,
            healthy=poll.healthy,
            announced=poll.announced,
        )
    )
    warnings = {one.plan.key: one.warnings for one in asked}
    for leg in poll.legs:
        line = _line(poll, leg)
        said = list(warnings.get(str(line["leg"]), ()))
        await connection.execute(legs.insert().values(**line, warnings=said))
    # A line beyond those of the legs that were asked is of re-reading, and has no cursor.
    for question, leg in zip(asked, poll.legs, strict=False):
        if is_complete(question, leg):
            cursor = Cursor(
                poll.started_at, question.plan.definition, without_dates(leg.query_translation)
            )
            await store.move_cursor(connection, topic.id, question.plan.key, cursor)
    await add(connection, outbox, completed(topic, poll, poll.finished_at), poll.finished_at)


def is_complete(asked: Asked, leg: Leg) -> bool:
    """Whether a leg's cursor moves: it is closed, and not for the first time on an empty list.

    PubMed works out the links of a new article days after the article: an empty list may be one
    that is yet to come, and what it then names was there before.
    """
    if leg.state != "closed":
        return False
    return asked.plan.query is not None or not asked.first or bool(asked.reasons)


def _line(poll: Poll, leg: Leg) -> dict[str, object]:
    line = leg.model_dump(exclude={"relation", "name"})
    key = leg_key(leg.relation, leg.name)
    return {"poll_id": poll.poll_id, "leg": key, "topic": poll.topic, **line}


def completed(topic: Topic, poll: Poll, now: datetime) -> PollCompleted:
    """The event that ends a poll."""
    identity = event_id(topic.source, PollCompleted.ROUTING_KEY, poll.poll_id)
    return PollCompleted(
        id=identity,
        source=topic.source,
        subject=str(topic.seed),
        time=now,
        traceparent=traceparent(identity),
        data=poll,
    )
