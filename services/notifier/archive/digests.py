"""Digests for their own pages and feeds: SQL, and what has become of their papers since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.archive.store import CHUNK
from services.notifier.contents import load, load_many
from services.notifier.digest import Digest, Item
from services.notifier.standing import GONE
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
    return as_of_now(found, await standings(connection, [found]))


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
    return await load_many(connection, rows.all())


async def standings(
    connection: AsyncConnection, told: Sequence[Digest]
) -> dict[int, tuple[Status, datetime | None]]:
    """What each paper of these digests, all of one topic, is now, and since when it is."""
    shown = [item for one in told for item in one.everything]
    pmids = sorted({item.pmid for item in shown} | {tie.pmid for i in shown for tie in i.ties})
    topic = told[0].topic if told else ""
    found: dict[int, tuple[Status, datetime | None]] = {}
    for start in range(0, len(pmids), CHUNK):
        rows = await connection.execute(
            sa.select(articles.c.pmid, articles.c.status, articles.c.status_changed_at).where(
                articles.c.topic == topic,
                articles.c.pmid.in_(pmids[start : start + CHUNK]),
            )
        )
        found |= {row.pmid: (Status(row.status), row.status_changed_at) for row in rows}
    return found


def as_of_now(digest: Digest, standings: Mapping[int, tuple[Status, datetime | None]]) -> Digest:
    """The digest with each paper's present status: a retracted one is never shown as it was.

    Nor is it the first of its kind any more, nor what another one is called a version of.
    """
    statuses = {pmid: status for pmid, (status, _) in standings.items()}

    def now(items: tuple[Item, ...]) -> tuple[Item, ...]:
        return tuple(_as_of_now(one, statuses) for one in items)

    groups = tuple(group.model_copy(update={"items": now(group.items)}) for group in digest.groups)
    lists = ("other", "beyond", "background", "background_beyond")
    changed = {name: now(getattr(digest, name)) for name in lists}
    firsts = tuple(one for one in digest.firsts if statuses.get(one.pmid) not in GONE)
    return digest.model_copy(update={"groups": groups, "firsts": firsts, **changed})


def _as_of_now(item: Item, statuses: Mapping[int, Status]) -> Item:
    ties = tuple(
        tie.model_copy(update={"status": statuses.get(tie.pmid, tie.status)}) for tie in item.ties
    )
    status = statuses.get(item.pmid, item.status)
    return item.model_copy(update={"status": status, "ties": ties})
