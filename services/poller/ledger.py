"""The end of a poll: ledger lines, cursors and `poll.completed`, in one transaction. SQL only."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.poller import store
from services.poller.legs import Asked, Cursor, begun, leg_key, standing, without_dates
from services.poller.tables import legs, open_legs, outbox, polls
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
    for leg in poll.legs:
        await connection.execute(legs.insert().values(**_line(poll, leg)))
    await _note_open(connection, poll)
    # A line beyond those of the legs that were asked is of re-reading, and has no cursor.
    for question, leg in zip(asked, poll.legs, strict=False):
        cursor = _cursor(topic, poll, question, leg)
        if cursor:
            await store.move_cursor(connection, topic.id, question.plan.key, cursor)
    await add(connection, outbox, completed(topic, poll, poll.finished_at), poll.finished_at)


def _cursor(topic: Topic, poll: Poll, asked: Asked, leg: Leg) -> Cursor | None:
    """Where a leg stands now; None for one that is open, and for one that stays where it was.

    A first list that is empty is remembered as begun: what enters while it stays empty is news.
    """
    if is_complete(asked, leg):
        translation = without_dates(leg.query_translation)
        return Cursor(poll.started_at, asked.plan.definition, translation, leg.warnings)
    if leg.state == "open" or not asked.first:
        return None
    return asked.before or begun(topic, poll.started_at)


def is_complete(asked: Asked, leg: Leg) -> bool:
    """Whether a leg's cursor moves: it is closed, and not for the first time on an empty list.

    PubMed works out the links of a new article days after the article: an empty list may be one
    that is yet to come, and what it then names was there before.
    """
    if leg.state != "closed":
        return False
    return asked.plan.query is not None or not asked.first or bool(asked.reasons)


def _line(poll: Poll, leg: Leg) -> dict[str, object]:
    line = leg.model_dump(exclude={"relation", "name", "previous_warnings"})
    line["warnings"] = list(leg.warnings)
    key = leg_key(leg.relation, leg.name)
    return {"poll_id": poll.poll_id, "leg": key, "topic": poll.topic, **line}


@dataclass(frozen=True)
class OpenLeg:
    """A leg that is open: since when, and from when on there is an alarm about it."""

    since: datetime
    alarmed_at: datetime | None = None


async def read_open(connection: AsyncConnection, topic: str) -> dict[str, OpenLeg]:
    """The open legs of a topic by their keys, as the last poll left them."""
    rows = await connection.execute(sa.select(open_legs).where(open_legs.c.topic == topic))
    return {row.leg: OpenLeg(row.since, row.alarmed_at) for row in rows}


async def read_standing(connection: AsyncConnection, topic: Topic) -> dict[str, Cursor]:
    """From where each leg that was ever asked is to be asked again, by its key."""
    cursors = await store.read_cursors(connection, topic.id)
    still_open = await read_open(connection, topic.id)
    return standing(topic, cursors, {key: one.since for key, one in still_open.items()})


async def _note_open(connection: AsyncConnection, poll: Poll) -> None:
    """Replace what was open by what is; a leg that the topic no longer has is not."""
    before = await read_open(connection, poll.topic)
    await connection.execute(open_legs.delete().where(open_legs.c.topic == poll.topic))
    for leg in poll.legs:
        if leg.open_since is None:
            continue
        key = leg_key(leg.relation, leg.name)
        known = before.get(key, OpenLeg(leg.open_since))
        alarmed_at = (known.alarmed_at or poll.finished_at) if leg.alarm else None
        await connection.execute(
            open_legs.insert().values(
                topic=poll.topic, leg=key, since=leg.open_since, alarmed_at=alarmed_at
            )
        )


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
