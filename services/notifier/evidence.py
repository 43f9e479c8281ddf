"""Evidence of what was sent after a backup: `digest.delivered`, as an archive has it.

What a channel accepted is a fact, whatever the restored ledger says. It is written down as the
ledger would have it, whether or not the papers are known here yet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.history import ARTICLE, NOTICE
from services.notifier.plan import digest_id
from services.notifier.resume import COUNTED, end_unanswered
from services.notifier.tables import digests, ledger
from shared.article import Status
from shared.database import insert
from shared.events import DigestSent

OVERTAKEN = f"{COUNTED}: papers of it were sent by another digest after the backup"


@dataclass(frozen=True)
class Accepted:
    """A digest that was accepted at a time; `statuses` are its papers', as far as known then."""

    sent: DigestSent
    at: datetime
    statuses: Mapping[int, str]


async def believe(connection: AsyncConnection, accepted: Sequence[Accepted]) -> int:
    """Put on record what was sent; how many of these digests were not on record as sent."""
    fresh, overtaken = 0, set[str]()
    for one in accepted:
        state = await connection.scalar(
            sa.select(digests.c.state).where(digests.c.id == one.sent.digest_id)
        )
        if state == "sent":
            continue
        fresh += 1
        await _record(connection, one, state)
        overtaken |= await _tell(connection, one)
    own = sa.select(digests.c.id).where(digests.c.id.in_(overtaken), digests.c.state == "intent")
    left = sorted(await connection.scalars(own))
    if left:
        await end_unanswered(connection, left, OVERTAKEN, max(one.at for one in accepted))
    return fresh


async def _record(connection: AsyncConnection, one: Accepted, state: str | None) -> None:
    sent = one.sent
    values = {
        "state": "sent",
        "sent_at": one.at,
        "message_id": sent.message_id,
        "claimed_until": None,
        "error": None,
    }
    if state is not None:
        kept = (ledger.c.digest_id == sent.digest_id, ledger.c.kind == ARTICLE)
        await connection.execute(ledger.delete().where(*kept, ledger.c.pmid.not_in(sent.pmids)))
        await connection.execute(
            digests.update().where(digests.c.id == sent.digest_id).values(values)
        )
        return
    is_digest = digest_id(sent.subscription_id, sent.period_to) == sent.digest_id
    row = {
        "id": sent.digest_id,
        "subscription_id": sent.subscription_id,
        "kind": "digest" if is_digest else "notice",
        "period_from": sent.period_from,
        "period_to": sent.period_to,
        "created_at": one.at,
        **values,
    }
    await connection.execute(insert(connection, digests).values(row).on_conflict_do_nothing())


async def _tell(connection: AsyncConnection, one: Accepted) -> set[str]:
    """Write the ledger's rows; ids of digests not sent yet that were to tell one of the papers."""
    overtaken: set[str] = set()
    for pmid, kind, status in _rows(one):
        own = (
            ledger.c.subscription_id == one.sent.subscription_id,
            ledger.c.pmid == pmid,
            ledger.c.kind == kind,
        )
        before = (await connection.execute(sa.select(ledger).where(*own))).one_or_none()
        told = {"digest_id": one.sent.digest_id, "delivered_at": one.at}
        if before is None:
            keys = {"subscription_id": one.sent.subscription_id, "pmid": pmid, "kind": kind}
            await connection.execute(ledger.insert().values(**keys, **told, status=status))
        elif before.delivered_at is None:
            await connection.execute(ledger.update().where(*own).values(told))
            overtaken |= {before.digest_id} - {one.sent.digest_id}
    return overtaken


def _rows(one: Accepted) -> list[tuple[int, str, str]]:
    """PMID, kind and status. A notice was of what the paper was then."""
    of = {pmid: one.statuses.get(pmid, Status.PUBLISHED.value) for pmid in one.sent.pmids}
    notices = {pmid: one.statuses[pmid] for pmid in one.sent.notices if pmid in one.statuses}
    return [
        *((pmid, ARTICLE, status) for pmid, status in of.items()),
        *((pmid, NOTICE + status, status) for pmid, status in notices.items()),
    ]
