"""Papers that a subscriber was sent and that have changed since: SQL only."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.history import ARTICLE, NOTICE, heirs_of, of_person
from services.notifier.select import Sent
from services.notifier.standing import STANDINGS
from services.notifier.store import known
from services.notifier.suppression import may_be_mailed
from services.notifier.tables import articles, digests, ledger, subscriptions
from shared.article import Status

RECENT = timedelta(days=7)
"""Only what changed so lately is told at once; what comes to light later waits for the digest."""

AGAIN = timedelta(days=1)
"""A notice that was given up is left to the digest for so long."""


async def sent_and_changed(connection: AsyncConnection, subscription_id: str) -> list[Sent]:
    """The articles delivered by this subscription whose status is not what it was then.

    Those of the same recipient's subscriptions that have ended are among them: it inherits.
    """
    here = sa.and_(articles.c.pmid == ledger.c.pmid, articles.c.topic == subscriptions.c.topic)
    rows = await connection.execute(
        sa.select(articles, ledger.c.delivered_at, ledger.c.status.label("status_then"))
        .select_from(ledger)
        .join(subscriptions, subscriptions.c.id == ledger.c.subscription_id)
        .join(articles, here)
        .where(
            ledger.c.subscription_id.in_(heirs_of(subscription_id)),
            ledger.c.kind == ARTICLE,
            ledger.c.delivered_at.is_not(None),
            ledger.c.status != articles.c.status,
        )
        .order_by(articles.c.pmid, ledger.c.delivered_at)
    )
    changed = {row.pmid: row for row in reversed(rows.all())}
    noticed = await _noticed(connection, subscription_id) if changed else {}
    return [
        Sent(
            known=known(row),
            delivered_at=row.delivered_at,
            status_then=Status(row.status_then),
            noticed=frozenset(noticed.get(pmid, ())),
        )
        for pmid, row in sorted(changed.items())
    ]


async def _noticed(connection: AsyncConnection, subscription_id: str) -> dict[int, set[Status]]:
    rows = await connection.execute(
        sa.select(ledger.c.pmid, ledger.c.kind).where(
            ledger.c.subscription_id.in_(of_person(subscription_id)),
            ledger.c.kind.startswith(NOTICE),
        )
    )
    found: dict[int, set[Status]] = {}
    for row in rows:
        found.setdefault(row.pmid, set()).add(Status(row.kind.removeprefix(NOTICE)))
    return found


async def to_tell_at_once(connection: AsyncConnection, now: datetime) -> list[str]:
    """Ids of the subscriptions that want notices at once, and seem to have one coming."""
    changed = sa.and_(
        articles.c.status.in_(sorted(status.value for status in STANDINGS)),
        articles.c.status_changed_at > now - RECENT,
    )
    rows = await connection.scalars(
        sa.select(subscriptions.c.id)
        .distinct()
        .select_from(articles)
        .join(ledger, ledger.c.pmid == articles.c.pmid)
        .join(
            subscriptions,
            sa.and_(
                subscriptions.c.id == ledger.c.subscription_id,
                subscriptions.c.topic == articles.c.topic,
            ),
        )
        .where(
            changed,
            ledger.c.kind == ARTICLE,
            ledger.c.delivered_at.is_not(None),
            ledger.c.status != articles.c.status,
            subscriptions.c.wish["notices"].as_string() == "at-once",
            *may_be_mailed(),
            ~_is_noticed(),
            ~_was_given_up(now),
        )
        .order_by(subscriptions.c.id)
    )
    return list(rows)


def _is_noticed() -> sa.Exists:
    other, notice = subscriptions.alias(), ledger.alias()
    return sa.exists().where(
        other.c.recipient == subscriptions.c.recipient,
        notice.c.subscription_id == other.c.id,
        notice.c.pmid == articles.c.pmid,
        notice.c.kind == sa.literal(NOTICE) + articles.c.status,
    )


def _was_given_up(now: datetime) -> sa.Exists:
    return sa.exists().where(
        digests.c.subscription_id == subscriptions.c.id,
        digests.c.kind == "notice",
        digests.c.state == "failed",
        digests.c.period_to > now - AGAIN,
    )
