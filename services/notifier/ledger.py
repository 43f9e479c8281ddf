"""Digests and the delivery ledger in the database: SQL only, in the caller's transaction."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.digest import Digest
from services.notifier.history import ARTICLE, told_to
from services.notifier.select import Sent
from services.notifier.standing import GONE
from services.notifier.store import known
from services.notifier.tables import articles, digests, ledger
from shared.article import Status
from shared.database import insert

NOTICE = "notice:"
MAYBE_SENT = "an attempt ended without an answer, so its articles count as told"


@dataclass(frozen=True)
class Claim:
    """A digest that this notifier alone may send now; `attempt` counts from 1.

    `content` is as stored: reading it may fail after an upgrade, and must not fail the claim.
    `maybe_sent`: some earlier attempt ended without an answer, so the mail may be with its reader.
    """

    digest_id: str
    subscription_id: str
    content: dict[str, object]
    attempt: int
    maybe_sent: bool


@dataclass(frozen=True)
class Failed:
    """A digest that could not even be made, and why."""

    digest_id: str
    subscription_id: str
    error: str


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


async def last_slots(
    connection: AsyncConnection, now: datetime, subscription_id: str | None = None
) -> dict[str, datetime]:
    """By subscription, the latest due instant by `now` that has a digest, whatever became of it.

    A later one was cut by a clock that was ahead; it must not silence its reader until then.
    """
    query = sa.select(digests.c.subscription_id, sa.func.max(digests.c.period_to)).where(
        digests.c.period_to <= now
    )
    if subscription_id is not None:
        query = query.where(digests.c.subscription_id == subscription_id)
    rows = await connection.execute(query.group_by(digests.c.subscription_id))
    return {owner: at for owner, at in rows}  # noqa: C416  a Result is no mapping


async def last_end(
    connection: AsyncConnection, subscription_id: str, now: datetime
) -> datetime | None:
    """The end, by `now`, of the last digest that was not given up: the next one begins there."""
    found: datetime | None = await connection.scalar(
        sa.select(sa.func.max(digests.c.period_to)).where(
            digests.c.subscription_id == subscription_id,
            digests.c.state != "failed",
            digests.c.period_to <= now,
        )
    )
    return found


async def carried(
    connection: AsyncConnection, subscription_id: str, now: datetime
) -> datetime | None:
    """From when the last digest by `now` looked for news, if it left some for the next one."""
    content = await connection.scalar(
        sa.select(digests.c.content)
        .where(
            digests.c.subscription_id == subscription_id,
            digests.c.state != "failed",
            digests.c.period_to <= now,
        )
        .order_by(digests.c.period_to.desc())
        .limit(1)
    )
    if not content or not content.get("waiting"):
        return None
    return datetime.fromisoformat(content["news_from"])


async def told(connection: AsyncConnection, subscription_id: str) -> set[int]:
    """PMIDs of the articles that this subscription was sent, or is about to be."""
    return set(await connection.scalars(told_to(subscription_id)))


async def sent_and_changed(
    connection: AsyncConnection, subscription_id: str, topic: str
) -> list[Sent]:
    """The articles delivered to this subscription whose status is not what it was then."""
    rows = await connection.execute(
        sa.select(articles, ledger.c.delivered_at, ledger.c.status.label("status_then"))
        .join(ledger, sa.and_(ledger.c.pmid == articles.c.pmid, articles.c.topic == topic))
        .where(
            ledger.c.subscription_id == subscription_id,
            ledger.c.kind == ARTICLE,
            ledger.c.delivered_at.is_not(None),
            ledger.c.status != articles.c.status,
        )
        .order_by(articles.c.pmid)
    )
    noticed = await _noticed(connection, subscription_id)
    return [
        Sent(
            known=known(row),
            delivered_at=row.delivered_at,
            status_then=Status(row.status_then),
            noticed=frozenset(noticed.get(row.pmid, ())),
        )
        for row in rows
    ]


async def _noticed(connection: AsyncConnection, subscription_id: str) -> dict[int, set[Status]]:
    rows = await connection.execute(
        sa.select(ledger.c.pmid, ledger.c.kind).where(
            ledger.c.subscription_id == subscription_id, ledger.c.kind.startswith(NOTICE)
        )
    )
    found: dict[int, set[Status]] = {}
    for row in rows:
        found.setdefault(row.pmid, set()).add(Status(row.kind.removeprefix(NOTICE)))
    return found


async def intend(connection: AsyncConnection, digest: Digest, *, quiet: bool) -> bool:
    """Write a digest and its ledger rows; False when this due instant has its digest already.

    A `quiet` one is on record as skipped, so that it is due only once.
    """
    result = await connection.execute(
        insert(connection, digests)
        .values(
            id=digest.id,
            subscription_id=digest.subscription_id,
            period_from=digest.period_from,
            period_to=digest.period_to,
            state="skipped" if quiet else "intent",
            content=digest.model_dump(mode="json"),
            created_at=digest.created_at,
        )
        .on_conflict_do_nothing(index_elements=["subscription_id", "kind", "period_to"])
    )
    rows = _ledger_rows(digest)
    if result.rowcount == 1 and rows:
        await connection.execute(ledger.insert(), rows)
    return result.rowcount == 1


def _ledger_rows(digest: Digest) -> list[dict[str, object]]:
    told = [(pmid, ARTICLE, status.value) for pmid, status in digest.told.items()]
    told += [(one.pmid, NOTICE + one.kind, one.kind) for one in digest.notices]
    return [
        {
            "subscription_id": digest.subscription_id,
            "pmid": pmid,
            "kind": kind,
            "digest_id": digest.id,
            "status": status,
        }
        for pmid, kind, status in told
    ]


async def refuse(
    connection: AsyncConnection, failed: Failed, period: tuple[datetime, datetime], now: datetime
) -> bool:
    """Put on record that a due digest could not be made; False when that is known already."""
    result = await connection.execute(
        insert(connection, digests)
        .values(
            id=failed.digest_id,
            subscription_id=failed.subscription_id,
            period_from=period[0],
            period_to=period[1],
            state="failed",
            created_at=now,
            error=failed.error,
        )
        .on_conflict_do_nothing(index_elements=["subscription_id", "kind", "period_to"])
    )
    return result.rowcount == 1


async def waiting(connection: AsyncConnection, turn: Turn) -> list[str]:
    """Ids of the digests to send, the longest due first."""
    rows = await connection.scalars(
        sa.select(digests.c.id)
        .where(_free(turn), _past(digests.c.next_try_at, turn.at, turn.longest_wait))
        .order_by(digests.c.period_to, digests.c.id)
    )
    return list(rows)


async def claim(connection: AsyncConnection, digest_id: str, turn: Turn) -> Claim | None:
    """Take a digest for the length of a lease; `None` when another notifier has it."""
    before = (await connection.execute(_row(digest_id).with_for_update())).one_or_none()
    if before is None:
        return None
    # A claim whose lease ran out was never answered for: `postpone` would have ended it.
    maybe_sent = before.maybe_sent or before.claimed_until is not None
    result = await connection.execute(
        digests.update()
        .where(digests.c.id == digest_id, _free(turn))
        .values(
            claimed_until=turn.at + turn.lease,
            attempts=digests.c.attempts + 1,
            maybe_sent=maybe_sent,
        )
    )
    if result.rowcount != 1:
        return None
    attempt = before.attempts + 1
    return Claim(before.id, before.subscription_id, before.content, attempt, maybe_sent)


async def gone_since(connection: AsyncConnection, digest_id: str, topic: str) -> dict[int, Status]:
    """Those of a digest's articles that are retracted, withdrawn or deleted by now."""
    rows = await connection.execute(
        sa.select(ledger.c.pmid, articles.c.status)
        .join(articles, sa.and_(articles.c.pmid == ledger.c.pmid, articles.c.topic == topic))
        .where(
            ledger.c.digest_id == digest_id,
            ledger.c.kind == ARTICLE,
            articles.c.status.in_([status.value for status in GONE]),
        )
    )
    return {row.pmid: Status(row.status) for row in rows}


async def withhold(
    connection: AsyncConnection, digest: Digest, untold: Collection[int], *, maybe_sent: bool
) -> None:
    """Store a digest without the papers that are gone.

    What it tells no more leaves the ledger too, unless the mail may have reached its reader
    before: then it stays, so that the next digest brings the notice.
    """
    await connection.execute(_intent(digest.id).values(content=digest.model_dump(mode="json")))
    if not maybe_sent:
        await connection.execute(
            ledger.delete().where(
                ledger.c.digest_id == digest.id,
                ledger.c.kind == ARTICLE,
                ledger.c.pmid.in_(sorted(untold)),
            )
        )


def _free(turn: Turn) -> sa.ColumnElement[bool]:
    unclaimed = _past(digests.c.claimed_until, turn.at, turn.lease)
    return sa.and_(digests.c.state == "intent", unclaimed)


def _past(moment: sa.Column[datetime], at: datetime, furthest: timedelta) -> sa.ColumnElement[bool]:
    """No moment, one that has come, or one too far ahead to be true."""
    return sa.or_(moment.is_(None), moment <= at, moment > at + furthest)


async def record_sent(
    connection: AsyncConnection, digest_id: str, message_id: str | None, now: datetime
) -> bool:
    """Record that the channel accepted a digest; False when that is on record already."""
    result = await connection.execute(
        _intent(digest_id).values(
            state="sent", sent_at=now, message_id=message_id, claimed_until=None, error=None
        )
    )
    if result.rowcount == 1:
        await connection.execute(
            ledger.update().where(ledger.c.digest_id == digest_id).values(delivered_at=now)
        )
    return result.rowcount == 1


async def postpone(
    connection: AsyncConnection, digest_id: str, error: str, next_try_at: datetime
) -> None:
    """Record a failure that may pass."""
    await connection.execute(
        _intent(digest_id).values(next_try_at=next_try_at, claimed_until=None, error=error)
    )


async def note_maybe_sent(connection: AsyncConnection, digest_id: str) -> None:
    """Record that an attempt ended without the channel's answer; no later one takes it back."""
    await connection.execute(_intent(digest_id).values(maybe_sent=True))


async def give_up(connection: AsyncConnection, digest_id: str, error: str, now: datetime) -> None:
    """Record a failure that will not pass, and free the articles for the next digest.

    One that may have reached its reader keeps its ledger rows, as told `now`, and says so: its
    articles are not told again, and what is retracted among them gets its notice.
    """
    row = (await connection.execute(_row(digest_id).with_for_update())).one_or_none()
    if row is None or row.state != "intent":
        return
    rows = ledger.c.digest_id == digest_id
    if row.maybe_sent:
        error = f"{error}; {MAYBE_SENT}"
        await connection.execute(ledger.update().where(rows).values(delivered_at=now))
    else:
        await connection.execute(ledger.delete().where(rows))
    await connection.execute(
        _intent(digest_id).values(state="failed", claimed_until=None, error=error)
    )


def _intent(digest_id: str) -> sa.Update:
    return digests.update().where(digests.c.id == digest_id, digests.c.state == "intent")


def _row(digest_id: str) -> sa.Select[Any]:
    return sa.select(digests).where(digests.c.id == digest_id)
