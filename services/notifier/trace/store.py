"""What the database tells of one article: SQL only, in the caller's transaction."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.contents import load
from services.notifier.digest import Digest
from services.notifier.history import ARTICLE, NOTICE
from services.notifier.project import Known
from services.notifier.store import known
from services.notifier.tables import (
    articles,
    digests,
    inbox,
    ledger,
    replay_digests,
    replay_entries,
    revisions,
    subscriptions,
)
from services.notifier.trace.delivery import REPLAY, Delivery, outcome

FAILED = 200
"""Digests that were given up that are looked through, the last ones."""


@dataclass(frozen=True)
class Arrival:
    """A revision as it came here: the event's own time, and ours, as far as it is remembered."""

    event_id: str
    revision: int
    at: datetime
    received_at: datetime | None


async def topics_of(connection: AsyncConnection, pmid: int) -> list[Known]:
    """The article in each topic that has it."""
    rows = await connection.execute(
        sa.select(articles).where(articles.c.pmid == pmid).order_by(articles.c.topic)
    )
    return [known(row) for row in rows]


async def arrivals(connection: AsyncConnection, topic: str, pmid: int) -> list[Arrival]:
    """Its revisions in the order of `archive.store.steps`; the inbox forgets when after months."""
    rows = await connection.execute(
        sa.select(
            revisions.c.event_id,
            revisions.c.revision,
            revisions.c.at,
            sa.func.min(inbox.c.received_at, type_=inbox.c.received_at.type).label("received_at"),
        )
        .outerjoin(inbox, inbox.c.event_id == revisions.c.event_id)
        .where(revisions.c.topic == topic, revisions.c.pmid == pmid)
        .group_by(revisions.c.event_id, revisions.c.revision, revisions.c.at)
        .order_by(revisions.c.revision, revisions.c.at, revisions.c.event_id)
    )
    return [Arrival(*row) for row in rows]


async def deliveries(connection: AsyncConnection, pmid: int) -> list[Delivery]:
    """The digests whose ledger rows tell of it, whatever topic they are of."""
    rows = await connection.execute(
        sa.select(
            ledger.c.digest_id, ledger.c.subscription_id, ledger.c.kind, ledger.c.delivered_at,
            *_OF_DIGEST, subscriptions.c.channel,
        )
        .outerjoin(digests, digests.c.id == ledger.c.digest_id)
        .outerjoin(subscriptions, subscriptions.c.id == ledger.c.subscription_id)
        .where(ledger.c.pmid == pmid)
        .order_by(digests.c.period_to, ledger.c.subscription_id)
    )  # fmt: skip
    return [_delivery(row, row.kind) for row in rows]


_OF_DIGEST = tuple(
    digests.c[name]
    for name in ("state", "attempts", "maybe_sent", "error", "given_up_at", "sent_at", "created_at",
                 "period_to")
)  # fmt: skip


async def given_up(
    connection: AsyncConnection, pmid: int, since: datetime
) -> tuple[list[Delivery], int]:
    """Digests that told of it no more when they were given up; and how many cannot be read.

    Their ledger rows are gone: what they would have told is free for the next digest.
    """
    rows = await connection.execute(
        sa.select(digests.c.id.label("digest_id"), digests.c.subscription_id, digests.c.content,
                  *_OF_DIGEST, subscriptions.c.channel)
        .outerjoin(subscriptions, subscriptions.c.id == digests.c.subscription_id)
        .where(digests.c.state == "failed", digests.c.created_at >= since,
               digests.c.content.is_not(None))
        .order_by(digests.c.created_at.desc())
        .limit(FAILED)
    )  # fmt: skip
    found: list[Delivery] = []
    unread = 0
    for row in rows.all():
        try:
            digest = await load(connection, row.content)
        except (ValidationError, LookupError):
            unread += 1
            continue
        found += [_delivery(row, what) for what in _told(digest, pmid)]
    return found, unread


def _told(digest: Digest, pmid: int) -> list[str]:
    notices = [f"{NOTICE}{one.kind}" for one in digest.notices if one.pmid == pmid]
    return [*([ARTICLE] if pmid in digest.told else []), *notices]


def _delivery(row: Any, what: str) -> Delivery:
    ended = row.sent_at or row.given_up_at or row.created_at or row.delivered_at
    return Delivery(
        digest_id=row.digest_id,
        subscription_id=row.subscription_id,
        channel=row.channel,
        what=what,
        outcome=outcome(
            row.state,
            attempts=row.attempts or 0,
            maybe_sent=bool(row.maybe_sent),
            is_given_up=row.given_up_at is not None,
        ),
        at=ended,
        due_at=row.period_to,
        attempts=row.attempts or 0,
        error=row.error,
    )


async def sent_by_replays(
    connection: AsyncConnection, pmid: int, topic: str | None
) -> list[Delivery]:
    """Digests that replays were allowed to send, and that bring it, or will or would have."""
    brought = sa.select(replay_entries.c.replay_id, replay_entries.c.allowed).where(
        replay_entries.c.pmid == pmid, *([replay_entries.c.topic == topic] if topic else [])
    )
    allowed: dict[str, set[str]] = {}
    for row in await connection.execute(brought):
        allowed.setdefault(row.replay_id, set()).update(row.allowed)
    own = replay_digests.c.replay_id.in_(sorted(allowed))
    rows = await connection.execute(
        sa.select(replay_digests, subscriptions.c.channel)
        .outerjoin(subscriptions, subscriptions.c.id == replay_digests.c.subscription_id)
        .where(own, replay_digests.c.state != "empty")
        .order_by(replay_digests.c.created_at, replay_digests.c.id)
    )
    return [
        _by_replay(row)
        for row in rows.all()
        if row.subscription_id in allowed[row.replay_id] and await _brings(connection, row, pmid)
    ]


async def _brings(connection: AsyncConnection, row: Any, pmid: int) -> bool:
    """Whether it is in it; one that was not made yet, or cannot be read, may bring it."""
    if not row.content:
        return True
    try:
        return pmid in (await load(connection, row.content)).told
    except (ValidationError, LookupError):
        return True


def _by_replay(row: Any) -> Delivery:
    return Delivery(
        digest_id=row.id,
        subscription_id=row.subscription_id,
        channel=row.channel,
        what=f"{REPLAY}{row.replay_id}",
        outcome=outcome(row.state, attempts=row.attempts, maybe_sent=row.maybe_sent),
        at=row.sent_at or row.created_at,
        due_at=None,
        attempts=row.attempts,
        error=row.error,
    )


async def recipients_told(
    connection: AsyncConnection, pmids: Collection[int]
) -> list[tuple[str, str, int]]:
    """Who was told, or is about to be, of these articles: recipient's hash, subscription, PMID."""
    rows = await connection.execute(
        sa.select(subscriptions.c.recipient, subscriptions.c.id, ledger.c.pmid)
        .join(ledger, ledger.c.subscription_id == subscriptions.c.id)
        .where(ledger.c.pmid.in_(sorted(pmids)), ledger.c.kind == ARTICLE)
        .order_by(subscriptions.c.id)
    )
    return [(row.recipient, row.id, row.pmid) for row in rows]


async def number_of_subscriptions(connection: AsyncConnection, topic: str) -> int:
    """How many of a topic are on record, read or not."""
    count = sa.select(sa.func.count()).where(subscriptions.c.topic == topic)
    return await connection.scalar(count.select_from(subscriptions)) or 0
