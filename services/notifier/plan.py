"""Cutting a digest: what is due is written down, with everything in it, before it is sent."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notifier import history, ledger, store, subscribers
from services.notifier.assemble import Reader, assemble
from services.notifier.coverage import LATE, coverage, in_processing, is_complete
from services.notifier.digest import Coverage, Digest, DigestHead
from services.notifier.schedule import is_due, latest_due
from services.notifier.select import Period
from services.notifier.subscription import Subscription
from shared.database import transaction
from shared.events import Poll, event_id

log = structlog.get_logger(__name__)

SOURCE = "urn:carillon:notifier"

NEVER_POLLED = "topic {topic!r} was never polled: is its name right, and does the poller run?"


BACKGROUND = 25
"""Background articles in one digest, for those who want them."""


@dataclass(frozen=True)
class Terms:
    """How long a digest waits for articles on their way, and how much background it brings."""

    max_wait: timedelta
    background: int = BACKGROUND


@dataclass(frozen=True)
class Checked:
    """What is known of the polls of a period."""

    last: Poll | None
    coverage: Coverage
    is_complete: bool


def due_slot(subscription: Subscription, last: datetime | None, now: datetime) -> datetime | None:
    """The due instant for which a digest is to be cut now; `last` is that of the last digest."""
    wish = subscription
    slot = latest_due(wish.cadence, wish.weekday, wish.hour, wish.zone, now)
    since = max(wish.created_at, wish.confirmed_at or wish.created_at)
    return slot if is_due(wish.cadence, slot, since, last) else None


async def due(engine: AsyncEngine, now: datetime) -> list[str]:
    """Ids of the subscriptions for which a digest is due and not yet cut."""
    async with transaction(engine) as connection:
        wanted = await subscribers.mailable(connection)
        last = await ledger.last_slots(connection, now)
    return [one.id for one in wanted if due_slot(one, last.get(one.id), now)]


async def cut(
    engine: AsyncEngine, subscription_id: str, now: datetime, terms: Terms
) -> Digest | None:
    """Write down the digest that is due, with its ledger rows, in one transaction.

    `None` when nothing is due after all, articles of its polls are still on their way and
    `terms.max_wait` has not passed, or its topic was never polled.

    Raises:
        Retryable: the database is away.
    """
    async with transaction(engine) as connection:
        subscription = await subscribers.lock(connection, subscription_id)
        if subscription is None:
            return None
        last = await ledger.last_slots(connection, now, subscription_id)
        slot = due_slot(subscription, last.get(subscription_id), now)
        if slot is None:
            return None
        return await _cut(connection, subscription, slot, (now, terms))


async def preview(
    engine: AsyncEngine, subscription: Subscription, now: datetime, background: int = BACKGROUND
) -> Digest | None:
    """What the digest would be if it were due now; writes nothing.

    `None` when its topic was never polled.

    Raises:
        Retryable: the database is away.
    """
    async with transaction(engine) as connection:
        end = await ledger.last_end(connection, subscription.id, now)
        period = Period.of(subscription, end, now)
        checked = await _checked(connection, subscription.topic, period)
        head = _head(subscription, period, checked.last, now)
        if head is None:
            return None
        return await assemble(connection, Reader(subscription, background), head, checked.coverage)


async def _cut(
    connection: AsyncConnection,
    subscription: Subscription,
    slot: datetime,
    cut_at: tuple[datetime, Terms],
) -> Digest | None:
    now, terms = cut_at
    end = await ledger.last_end(connection, subscription.id, now)
    period = Period.of(subscription, end, slot)
    checked = await _checked(connection, subscription.topic, period)
    if not checked.is_complete and now < slot + terms.max_wait:
        return None
    head = _head(subscription, period, checked.last, now)
    if head is None:
        await _refuse(connection, subscription, period, now)
        return None
    reader = Reader(subscription, terms.background)
    digest = await assemble(connection, reader, head, checked.coverage)
    told = await history.last_digest(connection, subscription.id, period.end, told=True)
    quiet = subscription.when_empty == "skip" and is_quiet(digest, told.coverage if told else None)
    return digest if await ledger.intend(connection, digest, quiet=quiet) else None


def is_quiet(digest: Digest, told: Coverage | None = None) -> bool:
    """Nothing to bring, nothing to warn of, and nothing that may have been missed.

    `told` is the coverage of the last digest that this subscriber was sent. A relation that has
    been open for so long that it is an alarm may stay so for weeks: who skips empty digests is
    sent one about it once, and reads of it again in every digest that comes for another reason.
    """
    nothing = not (digest.total or digest.notices or digest.all_background)
    checked = digest.coverage
    return nothing and not checked.in_processing and not _warns(checked, told)


def _warns(now: Coverage, told: Coverage | None) -> bool:
    alarms = {(one.what, one.since) for one in now.troubles if one.alarm}
    known = {(one.what, one.since) for one in told.troubles if one.alarm} if told else set()
    only_alarms = not now.silent and bool(alarms) and all(one.alarm for one in now.troubles)
    return bool(alarms - known) if only_alarms else not now.healthy


async def _checked(connection: AsyncConnection, topic: str, period: Period) -> Checked:
    since = min(period.start, period.end - LATE)
    recent = await store.polls_between(connection, topic, since, period.end)
    polls = [poll for poll in recent if poll.finished_at > period.start]
    arrived = await store.received_counts(connection, topic, [poll.poll_id for poll in recent])
    healthy = await store.last_poll(connection, topic, period.end, healthy=True)
    return Checked(
        last=await store.last_poll(connection, topic, period.end),
        coverage=coverage(polls, in_processing(recent, arrived), healthy, period),
        is_complete=is_complete(polls, arrived),
    )


def _head(
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
