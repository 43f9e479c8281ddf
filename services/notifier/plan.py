"""Cutting a digest: what is due is written down, with everything in it, before it is sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notifier import ledger, store, subscribers
from services.notifier.coverage import LATE, coverage, in_processing, is_complete
from services.notifier.digest import Coverage, Digest, DigestHead, compose
from services.notifier.render.words import BEYOND_LISTED
from services.notifier.schedule import is_due, latest_due
from services.notifier.select import Period, news, notices
from services.notifier.subscription import Subscription
from shared.database import transaction
from shared.events import Classified, Poll, event_id

log = structlog.get_logger(__name__)

SOURCE = "urn:carillon:notifier"

NEVER_POLLED = "topic {topic!r} was never polled: is its name right, and does the poller run?"


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
    engine: AsyncEngine, subscription_id: str, now: datetime, max_wait: timedelta
) -> Digest | None:
    """Write down the digest that is due, with its ledger rows, in one transaction.

    `None` when nothing is due after all, articles of its polls are still on their way and
    `max_wait` has not passed, or its topic was never polled.

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
        return await _cut(connection, subscription, slot, (now, max_wait))


async def preview(engine: AsyncEngine, subscription: Subscription, now: datetime) -> Digest | None:
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
        return await _compose(connection, subscription, head, checked.coverage)


async def _cut(
    connection: AsyncConnection,
    subscription: Subscription,
    slot: datetime,
    wait: tuple[datetime, timedelta],
) -> Digest | None:
    now, max_wait = wait
    end = await ledger.last_end(connection, subscription.id, now)
    period = Period.of(subscription, end, slot)
    checked = await _checked(connection, subscription.topic, period)
    if not checked.is_complete and now < slot + max_wait:
        return None
    head = _head(subscription, period, checked.last, now)
    if head is None:
        await _refuse(connection, subscription, period, now)
        return None
    digest = await _compose(connection, subscription, head, checked.coverage)
    quiet = subscription.when_empty == "skip" and is_quiet(digest)
    return digest if await ledger.intend(connection, digest, quiet=quiet) else None


def is_quiet(digest: Digest) -> bool:
    """Nothing new, nothing to warn of, and nothing that may have been missed."""
    checked = digest.coverage
    nothing = not digest.total and not digest.notices
    return nothing and checked.healthy and not checked.in_processing


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


async def _compose(
    connection: AsyncConnection, subscription: Subscription, head: DigestHead, checked: Coverage
) -> Digest:
    carried = await ledger.carried(connection, subscription.id, head.period_to)
    period = Period(head.period_from, head.period_to, carried)
    floor = period.floor(subscription)
    known = await store.articles_between(connection, subscription.topic, floor, period.end)
    told = await ledger.told(connection, subscription.id)
    changed = await ledger.sent_and_changed(connection, subscription.id, subscription.topic)
    found = news(subscription, known, told, period)
    entries = _most_related(found)
    digest = compose(entries, notices(subscription, changed), head, checked)
    waiting = len(found) - len(entries)
    return digest.model_copy(update={"waiting": waiting, "news_from": floor})


def _most_related(entries: Sequence[Classified]) -> list[Classified]:
    """As many as a digest names at least by a link; the others wait for the next one."""
    ranked = sorted(entries, key=lambda entry: (-entry.relatedness, -entry.article.pmid))
    return ranked[:BEYOND_LISTED]


async def _refuse(
    connection: AsyncConnection, subscription: Subscription, period: Period, now: datetime
) -> None:
    error = NEVER_POLLED.format(topic=subscription.topic)
    failed = ledger.Failed(digest_id(subscription.id, period.end), subscription.id, error)
    if await ledger.refuse(connection, failed, (period.start, period.end), now):
        log.warning("digest_impossible", subscription_id=subscription.id, reason=error)
