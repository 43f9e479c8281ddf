"""Digests on their way, in the database: SQL only, in the caller's transaction.

Who claims a digest may send it until the lease has passed. Several notifiers share the work: rows
that another one is just claiming are skipped, not waited for (`SKIP LOCKED`). Whose lease ran out
may find that another one has claimed since: the row's attempt is no longer its own, and it changes
nothing any more but facts: what was accepted, and what may have been.
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

SKEW = timedelta(hours=1)
"""So far two notifiers' clocks may be apart, or a clock be set back while a digest is in flight.

Without it a clock that is a moment behind would take each fresh claim for one of the far future,
and send what another notifier is sending.
"""


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
    `longest_wait`. One that lies more than `SKEW` beyond that was written by a clock that has been
    put back since: it counts as past, or a digest would wait for that clock's time to come again.
    """

    at: datetime
    lease: timedelta
    longest_wait: timedelta

    def past(self, moment: sa.Column[Any], furthest: timedelta) -> sa.ColumnElement[bool]:
        """No moment, one that has come, or one too far ahead to be true."""
        ahead = self.at + furthest + SKEW
        return sa.or_(moment.is_(None), moment <= self.at, moment > ahead)


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
        .where(_free(turn))
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


async def release(connection: AsyncConnection, held: Claim) -> None:
    """Give a digest back that was claimed and not handed over: that was no attempt."""
    await connection.execute(_of(held).values(claimed_until=None, attempts=digests.c.attempts - 1))


async def is_held(connection: AsyncConnection, held: Claim) -> bool:
    """Whether nobody else has claimed it since; then nobody does before this transaction ends."""
    own = sa.select(digests.c.id).where(*_by(held)).with_for_update()
    return await connection.scalar(own) is not None


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
    connection: AsyncConnection, held: Claim, parts_sent: int, until: datetime
) -> bool:
    """Record that the channel has accepted so many parts; the claim goes on until then.

    False when another one has claimed it since: what was accepted is on record all the same.
    """
    further = _intents([held.digest_id]).where(digests.c.parts_sent < parts_sent)
    await connection.execute(further.values(parts_sent=parts_sent))
    result = await connection.execute(_of(held).values(claimed_until=until))
    return result.rowcount == 1


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
    connection: AsyncConnection, held: Claim, error: str, next_try_at: datetime
) -> None:
    """Record a failure that may pass."""
    await connection.execute(
        _of(held).values(next_try_at=next_try_at, claimed_until=None, error=error)
    )


async def note_maybe_sent(connection: AsyncConnection, digest_id: str) -> None:
    """Record that an attempt ended without the channel's answer; no later one takes it back."""
    await connection.execute(_intents([digest_id]).values(maybe_sent=True))


async def give_up(
    connection: AsyncConnection,
    held: Claim,
    error: str,
    now: datetime,
    told: ToldBy | None = None,
) -> bool:
    """Record a failure that will not pass, and free the articles for the next digest.

    What may have reached its reader keeps its ledger rows, as told `now`, and the error says so:
    those articles are not told again, and what is retracted among them gets its notice. That is
    all of a digest that is `maybe_sent`; of one that goes in parts, what is `told` by those that
    were accepted, and by the one whose answer did not come.

    False when it has ended already, or another one has claimed it since and may be sending it.
    """
    own = sa.select(digests).where(*_by(held)).with_for_update()
    row = (await connection.execute(own)).one_or_none()
    if row is None:
        return False
    rows = ledger.c.digest_id == held.digest_id
    if told is not None:
        kept = sorted(told(row.parts_sent + (1 if row.maybe_sent else 0)))
        await connection.execute(ledger.delete().where(rows, ledger.c.pmid.not_in(kept)))
    elif not row.maybe_sent:
        await connection.execute(ledger.delete().where(rows))
    await connection.execute(ledger.update().where(rows).values(delivered_at=now))
    error = f"{error}; {MAYBE_SENT}" if row.maybe_sent else error
    ended = {"state": "failed", "claimed_until": None, "error": error, "given_up_at": now}
    await connection.execute(_of(held).values(ended))
    return True


def _free(turn: Turn) -> sa.ColumnElement[bool]:
    """Claimed by nobody, and its time has come: who claims it may have read so a while ago."""
    unclaimed = turn.past(digests.c.claimed_until, turn.lease)
    has_come = turn.past(digests.c.next_try_at, turn.longest_wait)
    return sa.and_(digests.c.state == "intent", unclaimed, has_come)


def _by(held: Claim) -> tuple[sa.ColumnElement[bool], ...]:
    """Still claimed by who holds it: each claim counts one attempt more."""
    return (
        digests.c.id == held.digest_id,
        digests.c.state == "intent",
        digests.c.attempts == held.attempt,
        digests.c.claimed_until.is_not(None),
    )


def _of(held: Claim) -> sa.Update:
    return digests.update().where(*_by(held))


def _intents(ids: Collection[str]) -> sa.Update:
    return digests.update().where(digests.c.id.in_(ids), digests.c.state == "intent")
