"""Digests for their own pages and feeds: SQL, and what has become of their papers since."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.archive.store import CHUNK
from services.notifier.contents import load, load_many
from services.notifier.digest import Digest, Item
from services.notifier.tables import articles, digests, subscriptions
from shared.article import Status

IN_FEED = 30
"""Digests in the feed of a subscription, the last ones."""


@dataclass(frozen=True)
class Follower:
    """A subscription whose feed may be read."""

    id: str
    topic: str


async def digest(connection: AsyncConnection, digest_id: str) -> Digest | None:
    """A digest as it was told, with the present status of its papers; `None` if it is not there."""
    content = await connection.scalar(sa.select(digests.c.content).where(digests.c.id == digest_id))
    if not content:
        return None
    found = await load(connection, content)
    return as_of_now(found, await _statuses(connection, found))


async def subscription_of(connection: AsyncConnection, digest_id: str) -> str | None:
    """Whose digest it is."""
    owner: str | None = await connection.scalar(
        sa.select(digests.c.subscription_id).where(digests.c.id == digest_id)
    )
    return owner


async def follower(connection: AsyncConnection, subscription_id: str) -> Follower | None:
    """A subscription that is confirmed and on; `None` for one that is not, or was left."""
    row = (
        await connection.execute(
            sa.select(subscriptions.c.id, subscriptions.c.topic).where(
                subscriptions.c.id == subscription_id,
                subscriptions.c.active,
                subscriptions.c.confirmed_at.is_not(None),
            )
        )
    ).one_or_none()
    return Follower(row.id, row.topic) if row else None


async def last_sent(connection: AsyncConnection, subscription_id: str) -> list[Digest]:
    """The last digests of a subscription that its channel accepted."""
    rows = await connection.scalars(
        sa.select(digests.c.content)
        .where(
            digests.c.subscription_id == subscription_id,
            digests.c.state == "sent",
            digests.c.content.is_not(None),
        )
        .order_by(digests.c.period_to.desc())
        .limit(IN_FEED)
    )
    found = await load_many(connection, rows.all())
    return [as_of_now(one, await _statuses(connection, one)) for one in found]


async def _statuses(connection: AsyncConnection, digest: Digest) -> dict[int, Status]:
    pmids = sorted({item.pmid for item in digest.everything})
    found: dict[int, Status] = {}
    for start in range(0, len(pmids), CHUNK):
        rows = await connection.execute(
            sa.select(articles.c.pmid, articles.c.status).where(
                articles.c.topic == digest.topic,
                articles.c.pmid.in_(pmids[start : start + CHUNK]),
            )
        )
        found |= {row.pmid: Status(row.status) for row in rows}
    return found


def as_of_now(digest: Digest, statuses: Mapping[int, Status]) -> Digest:
    """The digest with each paper's present status: a retracted one is never shown as it was."""

    def now(items: tuple[Item, ...]) -> tuple[Item, ...]:
        return tuple(
            one.model_copy(update={"status": statuses.get(one.pmid, one.status)}) for one in items
        )

    groups = tuple(group.model_copy(update={"items": now(group.items)}) for group in digest.groups)
    lists = ("other", "beyond", "background", "background_beyond")
    changed = {name: now(getattr(digest, name)) for name in lists}
    return digest.model_copy(update={"groups": groups, **changed})
