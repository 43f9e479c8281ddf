"""Whether all is well, as far as the notifier's store knows; and since when something is not."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import hold
from services.notifier.coverage import LATE
from services.notifier.resume import COUNTED
from services.notifier.store import last_poll
from services.notifier.subscribers import AS_WANTED
from services.notifier.tables import digests, outbox, polls, received, subscriptions
from shared.events import Poll
from shared.outbox import overdue, waiting_since
from shared.standbys import read_standbys

OVERDUE = timedelta(minutes=30)
"""How late a poll may be: it takes its time, and so does its report."""
PUBLISHED_WITHIN = timedelta(minutes=30)
ARRIVED_WITHIN = timedelta(hours=2)
"""As long as a digest waits for what its polls announced."""
TOLD = 5
"""Digests of which it is told whose they are: with a mail server away there are thousands."""


@dataclass(frozen=True)
class Wrong:
    """Something that is not as it should be, and since when, where that is known."""

    what: str
    since: datetime | None = None


@dataclass(frozen=True)
class Verdict:
    """All that is wrong, the longest first; `polled`: something was polled at all."""

    wrongs: tuple[Wrong, ...]
    polled: bool = True

    @property
    def line(self) -> str:
        """Whether all is well, in a sentence."""
        if not self.wrongs:
            return "All is well." if self.polled else "Nothing was polled yet."
        since = min((one.since for one in self.wrongs if one.since), default=None)
        when = f", since {since:%Y-%m-%d %H:%M} UTC" if since else ""
        return f"Not all is well{when}."


def verdict(wrongs: Iterable[Wrong], *, polled: bool) -> Verdict:
    """What is wrong in its order; what nobody can date comes last."""
    known = sorted(wrongs, key=lambda one: (one.since is None, one.since and one.since.timestamp()))
    return Verdict(tuple(known), polled)


async def look(
    connection: AsyncConnection, topics: Collection[str], now: datetime
) -> tuple[list[Wrong], bool]:
    """What is wrong with these topics, digests and readers; and whether any was polled."""
    last = [await last_poll(connection, topic, now) for topic in topics]
    found = [wrong for poll in last if poll for wrong in of_poll(poll, now)]
    for topic in topics:
        found += await _not_arrived(connection, topic, now)
    found += await _not_followed(connection)
    found += await unpublished(connection, outbox, "notifier", now)
    found += await _held(connection)
    found += await _not_sent(connection, now)
    found += await _unserved(connection)
    return found, any(last)


def overdue_since(last: Poll | None, now: datetime) -> datetime | None:
    """Since when the next poll is overdue; None while it is not, or nothing was polled yet."""
    late = last is not None and last.next_at is not None and now > last.next_at + OVERDUE
    return last.next_at if last and late else None


def of_poll(last: Poll, now: datetime) -> list[Wrong]:
    """That no other came after it, or that it was not complete."""
    if since := overdue_since(last, now):
        return [Wrong(f"{last.topic}: its next poll did not come: does the poller run?", since)]
    # A relation that was unknown for too long is an alarm too, though none is open.
    legs = [leg for leg in last.legs if leg.state == "open" or leg.alarm]
    if last.healthy and not legs:
        return []
    since = min((leg.open_since for leg in legs if leg.open_since), default=last.started_at)
    alarm = " (longer than it may be)" if any(leg.alarm for leg in legs) else ""
    why = "; ".join(sorted({leg.error for leg in legs if leg.error}))
    return [Wrong(f"{last.topic}: the last poll was not complete{alarm}: {why}", since)]


async def _not_arrived(connection: AsyncConnection, topic: str, now: datetime) -> list[Wrong]:
    """A poll cannot be owed more than it announced: another one may have brought its article."""
    here = sa.and_(received.c.topic == polls.c.topic, received.c.poll_id == polls.c.poll_id)
    owed = polls.c.announced - sa.func.count(received.c.pmid)
    each = (
        sa.select(polls.c.finished_at, owed.label("owed"))
        .select_from(polls.outerjoin(received, here))
        .where(
            polls.c.topic == topic, polls.c.finished_at.between(now - LATE, now - ARRIVED_WITHIN)
        )
        .group_by(polls.c.poll_id, polls.c.announced, polls.c.finished_at)
        .subquery()
    )
    told = sa.select(sa.func.sum(each.c.owed), sa.func.min(each.c.finished_at))
    row = (await connection.execute(told.where(each.c.owed > 0))).one()
    text = f"{topic}: {row[0]} articles announced more than two hours ago have not arrived"
    return [Wrong(text, row[1])] if row[0] else []


async def unpublished(
    connection: AsyncConnection, table: sa.Table, service: str, now: datetime
) -> list[Wrong]:
    """What waits in an outbox for too long."""
    late, reason = await overdue(connection, table, now - PUBLISHED_WITHIN)
    if not late:
        return []
    _, since = await waiting_since(connection, table)
    told = f"{late} events not published for half an hour: {(reason or 'broker away')[:200]}"
    return [Wrong(f"{service}: {told}", since)]


async def _not_followed(connection: AsyncConnection) -> list[Wrong]:
    standbys = await read_standbys(connection)
    if standbys.missing:
        told = "the database waits with each commit for a standby that is away: docs/cluster.md"
        return [Wrong(told)]
    if standbys.is_one_disk:
        return [Wrong("the database goes on without its standby, on one disk: docs/cluster.md")]
    return []


async def _held(connection: AsyncConnection) -> list[Wrong]:
    held = await hold.standing(connection)
    return [Wrong(f"sending is held, {held.reason}: carillon sending", held.since)] if held else []


async def _not_sent(connection: AsyncConnection, now: datetime) -> list[Wrong]:
    """How many digests; of those one reason, the latest's."""
    faulty = _faulty(now)
    counted = sa.select(sa.func.count(), sa.func.min(digests.c.period_to)).where(faulty)
    count, since = (await connection.execute(counted)).one()
    if not count:
        return []
    latest = sa.select(digests.c.error).where(faulty).order_by(digests.c.period_to.desc()).limit(1)
    error = await connection.scalar(latest)
    return [Wrong(f"digests not delivered: {count}; the latest: {error}", since)]


async def _unserved(connection: AsyncConnection) -> list[Wrong]:
    count = await connection.scalar(sa.select(sa.func.count()).where(_UNSERVED))
    told = f"subscriptions that get nothing, and not by their readers' wish: {count}"
    return [Wrong(told)] if count else []


async def concerned(connection: AsyncConnection, now: datetime) -> list[str]:
    """Whom the digests and subscriptions that `look` counts belong to, each with the reason.

    The latest few of the digests, and all subscriptions.
    """
    failed = await connection.execute(
        sa.select(digests.c.subscription_id, digests.c.error)
        .where(_faulty(now))
        .order_by(digests.c.period_to.desc())
        .limit(TOLD)
    )
    unserved = await connection.execute(
        sa.select(subscriptions.c.id, subscriptions.c.inactive_reason)
        .where(_UNSERVED)
        .order_by(subscriptions.c.id)
    )
    return [f"{name}: {reason}" for name, reason in (*failed, *unserved)]


def _faulty(now: datetime) -> sa.ColumnElement[bool]:
    """Digests that are tried again, or were given up lately.

    What was given up a week ago is over: the next digest has brought its articles.
    """
    lately = sa.or_(digests.c.state == "intent", digests.c.period_to > now - LATE)
    return sa.and_(
        digests.c.error.is_not(None),
        digests.c.error.not_like(f"{COUNTED}%"),  # an operator's own decision
        digests.c.state != "sent",
        lately,
    )


_UNSERVED = sa.and_(
    subscriptions.c.inactive_reason.is_not(None),
    subscriptions.c.inactive_reason.not_in(AS_WANTED),
)
