"""Digests of replays on their way, in the database: SQL only, in the caller's transaction.

Claimed for a lease as live ones are (`claims`), in a table of their own: no live digest, ledger or
count knows of them. A replay and a subscription have one, ever.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.claims import SKEW, Turn
from services.notifier.contents import Content
from services.notifier.tables import replay_digests as table
from services.notifier.tables import subscriptions
from shared.database import insert
from shared.events import Replay, event_id

SETTLE = timedelta(minutes=1)
"""So long after a replay's end what is still on its way may come to its consumer."""

Ended = Literal["sent", "empty", "failed"]


@dataclass(frozen=True)
class Promised:
    """What became of the digest that a replay promised a subscription; see `tables`."""

    subscription_id: str
    state: str
    error: str | None


@dataclass(frozen=True)
class Claim:
    """A replay's digest that this notifier alone may send `until` then; `attempt` from 1."""

    digest_id: str
    replay_id: str
    subscription_id: str
    content: Content | None
    attempt: int
    parts_sent: int
    until: datetime


async def promise(connection: AsyncConnection, replay: Replay, now: datetime) -> None:
    """Put a digest on record for each subscription that a replay names, once.

    None for a replay that was cancelled: its operator did not want what it brings.
    """
    if replay.state != "finished" or not replay.to:
        return
    rows = [
        {
            "id": event_id("urn:carillon:notifier", "replay", replay.replay_id, one),
            "replay_id": replay.replay_id,
            "subscription_id": one,
            "state": "waiting",
            "created_at": now,
        }
        for one in sorted(set(replay.to))
    ]
    await connection.execute(insert(connection, table).on_conflict_do_nothing(), rows)


async def promised(connection: AsyncConnection, replay_id: str) -> list[Promised]:
    """The digests of a replay, in the order of the subscriptions' ids."""
    columns = (table.c[name] for name in Promised.__dataclass_fields__)
    rows = await connection.execute(
        sa.select(*columns).where(table.c.replay_id == replay_id).order_by(table.c.subscription_id)
    )
    return [Promised(*row) for row in rows]


async def waiting(connection: AsyncConnection, turn: Turn, now: datetime) -> list[str]:
    """Ids of the digests to send, those of the replay that ended first in front.

    What a clock that was far ahead has put on record does not wait for that time to come again.
    """
    settled = sa.or_(table.c.created_at <= now - SETTLE, table.c.created_at > now + SKEW)
    rows = await connection.scalars(
        sa.select(table.c.id)
        .where(_free(turn), settled)
        .order_by(table.c.created_at, table.c.id)
        .limit(500)
    )
    return list(rows)


async def claim(connection: AsyncConnection, digest_id: str, turn: Turn) -> Claim | None:
    """Take a digest for the length of a lease; `None` if it is taken."""
    until = turn.at + turn.lease
    result = await connection.execute(
        table.update()
        .where(table.c.id == digest_id, _free(turn))
        .values(
            # A claim whose lease ran out was never answered for.
            maybe_sent=sa.or_(table.c.maybe_sent, table.c.claimed_until.is_not(None)),
            claimed_until=until,
            attempts=table.c.attempts + 1,
        )
    )
    if result.rowcount != 1:
        return None
    row = (await connection.execute(sa.select(table).where(table.c.id == digest_id))).one()
    return _claim(row, until)


def _claim(row: sa.Row[Any], until: datetime) -> Claim:
    return Claim(
        digest_id=row.id,
        replay_id=row.replay_id,
        subscription_id=row.subscription_id,
        content=row.content,
        attempt=row.attempts,
        parts_sent=row.parts_sent,
        until=until,
    )


async def write(connection: AsyncConnection, held: Claim, content: Content) -> None:
    """Store what a digest brings: the same at every attempt."""
    await connection.execute(_of(held).values(content=content))


async def beside(connection: AsyncConnection, held: Claim) -> list[Content]:
    """What its recipient gets of the same replay by other subscriptions, or may have got.

    The rows of the replay are locked, so that of two notifiers the second sees what the first has
    written.
    """
    of_replay = table.c.replay_id == held.replay_id
    await connection.execute(
        sa.select(table.c.id).where(of_replay).order_by(table.c.id).with_for_update()
    )
    own = sa.select(subscriptions.c.recipient).where(subscriptions.c.id == held.subscription_id)
    rows = await connection.scalars(
        sa.select(table.c.content)
        .join(subscriptions, subscriptions.c.id == table.c.subscription_id)
        .where(
            of_replay,
            table.c.id != held.digest_id,
            subscriptions.c.recipient == own.scalar_subquery(),
            sa.or_(table.c.state != "failed", table.c.maybe_sent, table.c.parts_sent > 0),
        )
    )
    return [content for content in rows if content is not None]


async def record_part(
    connection: AsyncConnection, held: Claim, parts_sent: int, until: datetime
) -> bool:
    """Record that so many parts were accepted; the claim goes on until then.

    False when another one has claimed it since: what was accepted is on record all the same.
    """
    further = table.update().where(table.c.id == held.digest_id, table.c.parts_sent < parts_sent)
    await connection.execute(further.values(parts_sent=parts_sent))
    return (await connection.execute(_of(held).values(claimed_until=until))).rowcount == 1


async def note_maybe_sent(connection: AsyncConnection, held: Claim) -> None:
    """Record that an attempt ended without the channel's answer; no later one takes it back."""
    await connection.execute(
        table.update().where(table.c.id == held.digest_id).values(maybe_sent=True)
    )


async def postpone(
    connection: AsyncConnection, held: Claim, error: str, next_try_at: datetime
) -> None:
    """Record a failure that may pass."""
    await connection.execute(
        _of(held).values(next_try_at=next_try_at, claimed_until=None, error=error)
    )


async def end(
    connection: AsyncConnection,
    held: Claim,
    state: Ended,
    now: datetime,
    *,
    message_id: str | None = None,
    error: str | None = None,
) -> None:
    """Record what became of a digest. That it was sent is a fact, whoever holds it by now."""
    own = _of(held) if state != "sent" else table.update().where(_is_waiting(held))
    await connection.execute(
        own.values(
            state=state,
            sent_at=now if state == "sent" else None,
            message_id=message_id,
            claimed_until=None,
            error=error,
        )
    )


def _free(turn: Turn) -> sa.ColumnElement[bool]:
    unclaimed = turn.past(table.c.claimed_until, turn.lease)
    has_come = turn.past(table.c.next_try_at, turn.longest_wait)
    return sa.and_(table.c.state == "waiting", unclaimed, has_come)


def _is_waiting(held: Claim) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.id == held.digest_id, table.c.state == "waiting")


def _of(held: Claim) -> sa.Update:
    """Still claimed by who holds it: each claim counts one attempt more."""
    return table.update().where(_is_waiting(held), table.c.attempts == held.attempt)
