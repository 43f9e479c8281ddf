"""What is to be sent, written down with its ledger rows: SQL only, in the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.contents import keep
from services.notifier.digest import Digest
from services.notifier.history import ARTICLE, NOTICE
from services.notifier.tables import digests, ledger, subscriptions
from shared.database import insert


@dataclass(frozen=True)
class Failed:
    """A digest that could not even be made, and why."""

    digest_id: str
    subscription_id: str
    error: str


async def intend(connection: AsyncConnection, digest: Digest, *, quiet: bool) -> bool:
    """Write a digest and its ledger rows; False when this due instant has its digest already.

    A `quiet` one is on record as skipped, so that it is due only once.
    """
    result = await connection.execute(
        insert(connection, digests)
        .values(
            id=digest.id,
            subscription_id=digest.subscription_id,
            kind=digest.kind,
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


async def end_those_ahead(connection: AsyncConnection, now: datetime) -> int:
    """Note of digests cut more than a day from `now` that they could know nothing later; how many.

    Only a clock that has been put back since can have cut them. When their time comes again, what
    was found meanwhile is no older for them: who paused in between would never be told of it.
    """
    ahead = digests.c.created_at > now + timedelta(days=1)
    result = await connection.execute(digests.update().where(ahead).values(created_at=now))
    return result.rowcount


async def note_looked(connection: AsyncConnection, subscription_id: str, slot: datetime) -> None:
    """Remember that an immediate subscription had nothing to bring at this due instant."""
    await _set(connection, subscription_id, looked_at=slot)


async def note_caught_up(connection: AsyncConnection, subscription_id: str) -> None:
    """Forget a pause that is over, and that a digest has made up for."""
    await _set(connection, subscription_id, paused_at=None, paused_until=None)


async def _set(connection: AsyncConnection, subscription_id: str, **values: object) -> None:
    await connection.execute(
        subscriptions.update().where(subscriptions.c.id == subscription_id).values(**values)
    )
