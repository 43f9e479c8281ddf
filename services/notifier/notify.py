"""Telling at once what has become of a paper, to exactly those who were sent it.

In a pause only that a paper does not stand any more is worth disturbing its reader: what is
retracted, withdrawn or taken out is told all the same, the rest in the catch-up.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notifier import history, ledger, sent, subscribers
from services.notifier.compose import compose
from services.notifier.digest import Digest, Notice
from services.notifier.gathered import Gathered
from services.notifier.plan import SOURCE, head_of
from services.notifier.select import Period, notices
from services.notifier.standing import of_kind
from services.notifier.subscription import Subscription
from shared.database import transaction
from shared.events import event_id


async def to_notify(engine: AsyncEngine, now: datetime) -> list[str]:
    """Ids of the subscriptions that want notices at once, and seem to have one coming."""
    async with transaction(engine) as connection:
        return await sent.to_tell_at_once(connection, now)


async def notify(
    engine: AsyncEngine, subscription_id: str, now: datetime, gathered: Gathered
) -> Digest | None:
    """Write down the notices that a subscription is to be told at once, as `plan.cut` does.

    `None` when there is none after all.

    Raises:
        Retryable: the database is away.
    """
    async with transaction(engine) as connection:
        subscription = await subscribers.lock_person(connection, subscription_id)
        if subscription is None or subscription.notices != "at-once":
            return None
        changed = await sent.sent_and_changed(connection, subscription_id)
        found = at_once(subscription, notices(subscription, changed), now)
        if not found:
            return None
        return await _write(connection, subscription, found, (now, gathered))


def at_once(subscription: Subscription, found: list[Notice], now: datetime) -> list[Notice]:
    """Those of the notices that do not wait for a digest; the rule is above."""
    paused = subscription.is_paused(now)
    return [one for one in found if not paused or of_kind(one.kind).is_gone]


async def _write(
    connection: AsyncConnection,
    subscription: Subscription,
    found: list[Notice],
    cut_at: tuple[datetime, Gathered],
) -> Digest | None:
    now, gathered = cut_at
    last = await history.last(connection, subscription.id, now)
    period = Period.of(subscription, last.end, now)
    checked = await gathered.checked(connection, subscription.topic, period)
    head = head_of(subscription, period, checked.last, now)
    if head is None:
        return None
    own = {
        "id": event_id(SOURCE, "notice", subscription.id, now.isoformat()),
        "kind": "notice",
        "catch_up_from": None,
    }
    digest = compose((), found, head.model_copy(update=own), checked.coverage)
    return digest if await ledger.intend(connection, digest, quiet=False) else None
