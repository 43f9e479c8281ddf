"""Digests on their way, in the database: SQL only, in the caller's transaction.

Who claims a digest may send it until the lease has passed. Several notifiers share the work: rows
that another one is just claiming are skipped, not waited for (`SKIP LOCKED`).
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.contents import keep
from services.notifier.digest import Digest
from services.notifier.history import ARTICLE
from services.notifier.standing import GONE
from services.notifier.tables import articles, digests, ledger, subscriptions
from shared.article import Status

MAYBE_SENT = "an attempt ended without an answer, so its articles count as told"

_FEW = 10_000
"""Parameters of one statement that both databases take."""


ToldBy = Callable[[int], Collection[int]]
"""Which PMIDs the first so many parts of a digest tell of."""


@dataclass(frozen=True)
class Waiting:
    """A digest to send, and the channel it goes by."""

    digest_id: str
    channel: str


@dataclass(frozen=True)
class Claim:
    """A digest that this notifier alone may send `until` then; `attempt` counts from 1.

    `content` is as stored: reading it may fail after an upgrade, and must not fail the claim.
    `maybe_sent`: some earlier attempt ended without an answer, so the message may be with its
    reader. `parts_sent` of its messages were accepted before, where its channel takes several.
    """

    digest_id: str
    subscription_id: str
    content: dict[str, Any]
    attempt: int
    maybe_sent: bool
    parts_sent: int
    until: datetime


@dataclass(frozen=True)
class Turn:
    """When a digest may be taken: at which real time, and how far ahead times are believed.

    A claim never lies further ahead than a `lease`, a next try never further than
    `longest_wait`. One that does was written by a clock that has been put back since: it counts
    as past, or a digest would wait for that clock's time to come again.
    """

    at: datetime
    lease: timedelta
    longest_wait: timedelta


@dataclass(frozen=True)
class Accepted:
    """A digest that its channel has accepted whole, under the id that its reader sees."""

    digest_id: str
    message_id: str
    parts: int


async def waiting(connection: AsyncConnection, turn: Turn) -> list[Waiting]:
    """The digests to send, the longest due first; the channel is empty when nobody knows it.

    In the order in which they were cut, so that what is recorded together lies together.
    """
    rows = await connection.execute(
        sa.select(digests.c.id, subscriptions.c.channel)
        .select_from(digests)
        .outerjoin(subscriptions, subscriptions.c.id == digests.c.subscription_id)
        .where(_free(turn), _past(digests.c.next_try_at, turn.at, turn.longest_wait))
        .order_by(digests.c.period_to, digests.c.subscription_id)
    )
    return [Waiting(row.id, row.channel or "") for row in rows]


async def claim(connection: AsyncConnection, ids: Collection[str], turn: Turn) -> list[Claim]:
    """Take those of these digests that nobody else has, for the length of a lease."""
    found = await connection.execute(
        sa.select(digests)
        .where(digests.c.id.in_(ids), _free(turn))
        .order_by(digests.c.period_to, digests.c.subscription_id)
        .with_for_update(skip_locked=True)
    )
    rows, until = found.all(), turn.at + turn.lease
    if not rows:
        return []
    await connection.execute(
        digests.update()
        .where(digests.c.id.in_([row.id for row in rows]))
        .values(
            # A claim whose lease ran out was never answered for: `postpone` would have ended it.
            maybe_sent=sa.or_(digests.c.maybe_sent, digests.c.claimed_until.is_not(None)),
            claimed_until=until,
            attempts=digests.c.attempts + 1,
        )
    )
    return [_claim(row, until) for row in rows]


def _claim(row: sa.Row[Any], until: datetime) -> Claim:
    return Claim(
        digest_id=row.id,
        subscription_id=row.subscription_id,
        content=row.content,
        attempt=row.attempts + 1,
        maybe_sent=row.maybe_sent or row.claimed_until is not None,
        parts_sent=row.parts_sent,
        until=until,
    )


async def release(connection: AsyncConnection, ids: Collection[str]) -> None:
    """Give digests back that were claimed and not handed over: that was no attempt."""
    await connection.execute(
        _intents(ids).values(claimed_until=None, attempts=digests.c.attempts - 1)
    )


async def gone(
    connection: AsyncConnection, topic: str, pmids: Collection[int]
) -> dict[int, Status]:
    """Those of a topic's articles that are retracted, withdrawn or deleted by now."""
    found: dict[int, Status] = {}
    wanted = sorted(pmids)
    for start in range(0, len(wanted), _FEW):
        rows = await connection.execute(
            sa.select(articles.c.pmid, articles.c.status).where(
                articles.c.topic == topic,
                articles.c.pmid.in_(wanted[start : start + _FEW]),
                articles.c.status.in_([status.value for status in GONE]),
            )
        )
        found |= {row.pmid: Status(row.status) for row in rows}
    return found


async def withhold(
    connection: AsyncConnection, digest: Digest, untold: Collection[int], *, maybe_sent: bool
) -> None:
    """Store a digest without the papers that are gone; what it tells no more is free again.

    Unless it may have reached its reader before: then the ledger keeps it, so that the next
    digest brings the notice.
    """
    await connection.execute(_intents([digest.id]).values(content=await keep(connection, digest)))
    if not maybe_sent:
        await untell(connection, digest.id, untold)


async def untell(connection: AsyncConnection, digest_id: str, pmids: Collection[int]) -> None:
    """Take articles off the ledger that a digest does not tell of after all."""
    await connection.execute(
        ledger.delete().where(
            ledger.c.digest_id == digest_id,
            ledger.c.kind == ARTICLE,
            ledger.c.pmid.in_(sorted(pmids)),
        )
    )


async def record_part(
    connection: AsyncConnection, digest_id: str, parts_sent: int, until: datetime
) -> None:
    """Record that the channel has accepted so many parts; the claim goes on until then."""
    await connection.execute(
        _intents([digest_id]).values(parts_sent=parts_sent, claimed_until=until)
    )


async def record_sent(
    connection: AsyncConnection, accepted: Sequence[Accepted], now: datetime
) -> set[str]:
    """Record digests as sent, with their ledger rows; the ids of those that were not yet."""
    told = {one.digest_id: one for one in accepted}
    first = set(
        await connection.scalars(
            sa.select(digests.c.id)
            .where(digests.c.id.in_(told), digests.c.state == "intent")
            .order_by(digests.c.id)
            .with_for_update()
        )
    )
    if first:
        await connection.execute(_SENT, [_as_sent(told[one], now) for one in sorted(first)])
        await connection.execute(
            ledger.update().where(ledger.c.digest_id.in_(first)).values(delivered_at=now)
        )
    return first


_SENT = (
    digests.update()
    .where(digests.c.id == sa.bindparam("of"))
    .values(
        state="sent",
        sent_at=sa.bindparam("at"),
        message_id=sa.bindparam("named"),
        parts_sent=sa.bindparam("parts"),
        claimed_until=None,
        error=None,
    )
)


def _as_sent(one: Accepted, now: datetime) -> dict[str, object]:
    return {"of": one.digest_id, "at": now, "named": one.message_id, "parts": one.parts}


async def postpone(
    connection: AsyncConnection, digest_id: str, error: str, next_try_at: datetime
) -> None:
    """Record a failure that may pass."""
    await connection.execute(
        _intents([digest_id]).values(next_try_at=next_try_at, claimed_until=None, error=error)
    )


async def note_maybe_sent(connection: AsyncConnection, digest_id: str) -> None:
    """Record that an attempt ended without the channel's answer; no later one takes it back."""
    await connection.execute(_intents([digest_id]).values(maybe_sent=True))


async def give_up(
    connection: AsyncConnection,
    digest_id: str,
    error: str,
    now: datetime,
    told: ToldBy | None = None,
) -> None:
    """Record a failure that will not pass, and free the articles for the next digest.

    What may have reached its reader keeps its ledger rows, as told `now`, and the error says so:
    those articles are not told again, and what is retracted among them gets its notice. That is
    all of a digest that is `maybe_sent`; of one that goes in parts, what is `told` by those that
    were accepted, and by the one whose answer did not come.
    """
    row = (await connection.execute(_row(digest_id).with_for_update())).one_or_none()
    if row is None or row.state != "intent":
        return
    rows = ledger.c.digest_id == digest_id
    if told is not None:
        kept = sorted(told(row.parts_sent + (1 if row.maybe_sent else 0)))
        await connection.execute(ledger.delete().where(rows, ledger.c.pmid.not_in(kept)))
    elif not row.maybe_sent:
        await connection.execute(ledger.delete().where(rows))
    await connection.execute(ledger.update().where(rows).values(delivered_at=now))
    error = f"{error}; {MAYBE_SENT}" if row.maybe_sent else error
    await connection.execute(
        _intents([digest_id]).values(state="failed", claimed_until=None, error=error)
    )


def _free(turn: Turn) -> sa.ColumnElement[bool]:
    unclaimed = _past(digests.c.claimed_until, turn.at, turn.lease)
    return sa.and_(digests.c.state == "intent", unclaimed)


def _past(moment: sa.Column[datetime], at: datetime, furthest: timedelta) -> sa.ColumnElement[bool]:
    """No moment, one that has come, or one too far ahead to be true."""
    return sa.or_(moment.is_(None), moment <= at, moment > at + furthest)


def _intents(ids: Collection[str]) -> sa.Update:
    return digests.update().where(digests.c.id.in_(ids), digests.c.state == "intent")


def _row(digest_id: str) -> sa.Select[Any]:
    return sa.select(digests).where(digests.c.id == digest_id)
