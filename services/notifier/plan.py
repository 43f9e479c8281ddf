"""Cutting a digest: what is due is written down, with everything in it, before it is sent."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notifier import changes, history, ledger, subscribers
from services.notifier.assemble import Reader, draft, finished
from services.notifier.digest import Digest, DigestHead
from services.notifier.gathered import Checked, Gathered
from services.notifier.quiet import is_empty, is_quiet
from services.notifier.select import Period
from services.notifier.subscription import Subscription
from services.notifier.turn import Turns, due_slot
from shared.database import transaction
from shared.events import Poll, event_id

log = structlog.get_logger(__name__)

SOURCE = "urn:carillon:notifier"

NEVER_POLLED = "topic {topic!r} was never polled: is its name right, and does the poller run?"


BACKGROUND = 25
"""Background articles in one digest, for those who want them."""


@dataclass(frozen=True)
class Terms:
    """How long a digest waits for articles on their way, and how much background it brings.

    `gathered` is what this pass has read already.
    """

    max_wait: timedelta
    background: int = BACKGROUND
    gathered: Gathered = field(default_factory=Gathered)


async def due(engine: AsyncEngine, now: datetime) -> list[str]:
    """Ids of the subscriptions for which a digest is due and not yet cut."""
    turns = Turns(now)
    async with transaction(engine) as connection:
        await changes.begin_by(connection, now)
        rows = await subscribers.awaited(connection, now)
        maybe = [row for row in rows if row.inactive_reason or turns.may_come(row.wish, row.last)]
        read = [(row, await subscribers.readable(connection, row)) for row in maybe]
    return [one.id for row, one in read if one and due_slot(one, row.last, now)]


async def cut(
    engine: AsyncEngine, subscription_id: str, now: datetime, terms: Terms
) -> Digest | None:
    """Write down the digest that is due, with its ledger rows, in one transaction.

    `None` when nothing is due after all, articles of its polls are still on their way and
    `terms.max_wait` has not passed, its topic was never polled, or an immediate one has nothing
    to bring.

    Raises:
        Retryable: the database is away.
    """
    async with transaction(engine) as connection:
        subscription = await subscribers.lock_person(connection, subscription_id)
        if subscription is None:
            return None
        last = await history.last(connection, subscription_id, now)
        slot = due_slot(subscription, last.slot, now)
        if slot is None:
            return None
        period = Period.of(subscription, last.end, slot)
        return await _cut(connection, subscription, period, (now, terms))


async def preview(
    engine: AsyncEngine,
    subscription: Subscription,
    now: datetime,
    background: int = BACKGROUND,
    gathered: Gathered | None = None,
) -> Digest | None:
    """What the digest would be if it were due now; writes nothing.

    `None` when its topic was never polled. For several at once, `gathered` is what they share.

    Raises:
        Retryable: the database is away.
    """
    gathered = gathered or Gathered()
    async with transaction(engine) as connection:
        last = await history.last(connection, subscription.id, now)
        period = Period.of(subscription, last.end, now)
        checked = await gathered.checked(connection, subscription.topic, period)
        head = head_of(subscription, period, checked.last, now)
        if head is None:
            return None
        reader = Reader(subscription, background, gathered)
        made = await draft(connection, reader, head, checked.coverage)
        return await finished(connection, made, reader)


async def _cut(
    connection: AsyncConnection,
    subscription: Subscription,
    period: Period,
    cut_at: tuple[datetime, Terms],
) -> Digest | None:
    now, terms = cut_at
    checked = await terms.gathered.checked(connection, subscription.topic, period)
    if _waits(subscription, checked, period.end + terms.max_wait > now):
        return None
    head = head_of(subscription, period, checked.last, now)
    if head is None:
        await _refuse(connection, subscription, period, now)
        return None
    reader = Reader(subscription, terms.background, terms.gathered)
    digest = await draft(connection, reader, head, checked.coverage)
    quiet = await _is_quiet(connection, subscription, digest)
    if subscription.paused_at is not None:
        await ledger.note_caught_up(connection, subscription.id)
    if quiet and subscription.cadence == "immediate":
        await ledger.note_looked(connection, subscription.id, period.end)
        return None
    whole = digest if quiet else await finished(connection, digest, reader)
    return whole if await ledger.intend(connection, whole, quiet=quiet) else None


def _waits(subscription: Subscription, checked: Checked, may_wait: bool) -> bool:
    """Whether articles are on their way. The immediate wait for the latest poll's only.

    Their next turn is a quarter of an hour away, and one article that never arrives would
    otherwise hold up all that comes after it.
    """
    if subscription.cadence == "immediate":
        return not checked.is_settled
    return may_wait and not checked.is_complete


async def _is_quiet(
    connection: AsyncConnection, subscription: Subscription, digest: Digest
) -> bool:
    if subscription.when_empty == "heartbeat" or not is_empty(digest):
        return False
    told = await history.last_told(connection, subscription.id, digest.period_to)
    return is_quiet(digest, told.coverage if told else None)


def head_of(
    subscription: Subscription, period: Period, poll: Poll | None, now: datetime
) -> DigestHead | None:
    """Without any poll nobody knows the topic's title and seed."""
    if poll is None:
        return None
    return DigestHead(
        id=digest_id(subscription.id, period.end),
        topic=subscription.topic,
        topic_title=poll.topic_title,
        seed=poll.seed,
        subscription_id=subscription.id,
        cadence=subscription.cadence,
        period_from=period.start,
        period_to=period.end,
        created_at=now,
        time_zone=subscription.time_zone,
        max_items=subscription.max_items,
        catch_up_from=subscription.paused_at,
    )


def digest_id(subscription_id: str, slot: datetime) -> str:
    """The same subscription and due instant, the same id."""
    return event_id(SOURCE, "digest", subscription_id, slot.isoformat())


async def _refuse(
    connection: AsyncConnection, subscription: Subscription, period: Period, now: datetime
) -> None:
    error = NEVER_POLLED.format(topic=subscription.topic)
    failed = ledger.Failed(digest_id(subscription.id, period.end), subscription.id, error)
    if await ledger.refuse(connection, failed, (period.start, period.end), now):
        log.warning("digest_impossible", subscription_id=subscription.id, reason=error)
