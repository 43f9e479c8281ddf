"""Digests and the delivery ledger in the database: SQL only, in the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.contents import keep
from services.notifier.digest import Digest
from services.notifier.history import ARTICLE, told_to
from services.notifier.select import Sent
from services.notifier.store import known
from services.notifier.tables import articles, digests, ledger
from shared.article import Status
from shared.database import insert

NOTICE = "notice:"


@dataclass(frozen=True)
class Failed:
    """A digest that could not even be made, and why."""

    digest_id: str
    subscription_id: str
    error: str


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
            content=await keep(connection, digest),
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
