"""What earlier digests told a subscriber: SQL only, in the caller's transaction."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.digest import Coverage
from services.notifier.tables import digests, ledger

ARTICLE = "article"
"""The kind of a ledger row that says that an article was told, not a notice about it."""

CHUNK = 500
"""PMIDs in one query: databases take only so many parameters."""


@dataclass(frozen=True)
class Before:
    """The coverage of an earlier digest, and whether that digest was sent or is about to be."""

    coverage: Coverage
    was_sent: bool


async def last_digest(
    connection: AsyncConnection, subscription_id: str, until: datetime, *, told: bool = False
) -> Before | None:
    """The last digest that was due by `until` and not given up; or of those, the last `told` one.

    A given up one that may have reached its reader counts.
    """
    was_told = sa.or_(digests.c.state.in_(("sent", "intent")), digests.c.maybe_sent)
    row = (
        await connection.execute(
            sa.select(digests.c.content, was_told.label("was_told"))
            .where(
                digests.c.subscription_id == subscription_id,
                digests.c.period_to <= until,
                was_told if told else sa.or_(was_told, digests.c.state == "skipped"),
            )
            .order_by(digests.c.period_to.desc())
            .limit(1)
        )
    ).one_or_none()
    if row is None or not row.content:
        return None
    return Before(Coverage.model_validate(row.content["coverage"]), bool(row.was_told))


async def sent_on(
    connection: AsyncConnection, subscription_id: str, pmids: Collection[int]
) -> dict[int, datetime]:
    """When this subscriber was sent each of these articles, as far as they were."""
    found: dict[int, datetime] = {}
    wanted = sorted(pmids)
    for start in range(0, len(wanted), CHUNK):
        rows = await connection.execute(
            sa.select(ledger.c.pmid, ledger.c.delivered_at).where(
                ledger.c.subscription_id == subscription_id,
                ledger.c.kind == ARTICLE,
                ledger.c.delivered_at.is_not(None),
                ledger.c.pmid.in_(wanted[start : start + CHUNK]),
            )
        )
        found |= {row.pmid: row.delivered_at for row in rows}
    return found


def told_to(subscription_id: str) -> sa.Select[Any]:
    """The PMIDs of the articles that a subscriber was sent, or is about to be."""
    return sa.select(ledger.c.pmid).where(
        ledger.c.subscription_id == subscription_id, ledger.c.kind == ARTICLE
    )
