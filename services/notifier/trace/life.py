"""One article's life as this service knows it, read whole: `carillon trace` and a page show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notifier import history, store, subscribers
from services.notifier.archive.store import Step, steps
from services.notifier.project import Known
from services.notifier.subscribers import Kept
from services.notifier.ties import Kin, named
from services.notifier.trace import store as trace
from services.notifier.trace.delivery import Delivery
from services.notifier.trace.fate import Fate, Past, Persons, next_digest, standing
from services.notifier.trace.store import Arrival
from shared.database import transaction

MOST = 500
"""Subscriptions whose earlier digests are asked for; of more it is said that they were not."""


@dataclass(frozen=True)
class Life:
    """An article of one topic. `doubts` are sentences on what could not be told.

    `deliveries` are those of the topic's subscriptions; a notice of it may have come by another.
    """

    known: Known
    steps: tuple[Step, ...]
    arrivals: tuple[Arrival, ...]
    deliveries: tuple[Delivery, ...]
    fates: tuple[Fate, ...]
    doubts: tuple[str, ...] = ()

    @property
    def topic(self) -> str:
        """The id of its topic."""
        return self.known.entry.topic


async def lives(engine: AsyncEngine, pmid: int, topic: str | None, now: datetime) -> list[Life]:
    """The article in each topic that has it, or in the one that is named; changes nothing.

    Raises:
        Retryable: the database is away.
    """
    async with transaction(engine) as connection:
        found = await trace.topics_of(connection, pmid)
        return [
            await _life(connection, known, now)
            for known in found
            if topic in (None, known.entry.topic)
        ]


async def sent_by_replays(engine: AsyncEngine, pmid: int, topic: str | None) -> list[Delivery]:
    """In which digests replays sent it, whether it was ever there live or not.

    Raises:
        Retryable: the database is away.
    """
    async with transaction(engine) as connection:
        return await trace.sent_by_replays(connection, pmid, topic)


async def _life(connection: AsyncConnection, known: Known, now: datetime) -> Life:
    topic, pmid = known.entry.topic, known.pmid
    kept = await subscribers.everybody(connection)
    ours = [one for one in kept if one.subscription.topic == topic]
    told = await trace.deliveries(connection, pmid)
    freed, unread = await trace.given_up(connection, pmid, known.first_seen_at)
    elsewhere = {one.subscription.id for one in kept} - {one.subscription.id for one in ours}
    deliveries = [one for one in told if one.subscription_id not in elsewhere]
    deliveries += [one for one in freed if _is_new(one, deliveries, elsewhere)]
    fates, not_asked = await _fates(connection, known, _untold(ours, told), now)
    number = await trace.number_of_subscriptions(connection, topic)
    return Life(
        known,
        tuple(await steps(connection, topic, pmid)),
        tuple(await trace.arrivals(connection, topic, pmid)),
        tuple(deliveries),
        tuple(fates),
        _doubts(unread, not_asked, number - len(ours)),
    )


def _is_new(one: Delivery, known: Sequence[Delivery], elsewhere: set[str]) -> bool:
    """Given up in doubt, it is in the ledger too."""
    held = {(other.digest_id, other.what) for other in known}
    return one.subscription_id not in elsewhere and (one.digest_id, one.what) not in held


def _untold(ours: Sequence[Kept], told: Sequence[Delivery]) -> list[Kept]:
    has = {one.subscription_id for one in told if one.what == history.ARTICLE}
    return [one for one in ours if one.subscription.id not in has]


def _doubts(unread: int, not_asked: int, unreadable: int) -> tuple[str, ...]:
    told = [
        (unread, "digests that were given up cannot be read: it may have been in them"),
        (not_asked, "subscriptions more were not looked at for when they will be told"),
        (unreadable, "subscriptions cannot be read, and are passed over"),
    ]
    return tuple(f"{number} {text}" for number, text in told if number)


async def _fates(
    connection: AsyncConnection, known: Known, untold: Sequence[Kept], now: datetime
) -> tuple[list[Fate], int]:
    """What holds for each; and how many were not asked for their digests."""
    versions = await store.versions(connection, known.entry.topic)
    kin = Kin(versions=versions)
    persons = await _persons(connection, known, kin)
    found: list[Fate] = []
    asked = not_asked = 0
    for one in untold:
        fate = standing(known, one, persons)
        if fate is None and asked == MOST:
            not_asked += 1
            continue
        if fate is None:
            asked += 1
            past = await _past(connection, one.subscription.id, now)
            fate = next_digest(known, one, persons, past, kin, now)
        found.append(fate)
    return found, not_asked


async def _persons(connection: AsyncConnection, known: Known, kin: Kin) -> Persons:
    others = named([known.entry.article], kin.versions)
    article: dict[str, str] = {}
    other: dict[str, set[int]] = {}
    for recipient, by, pmid in await trace.recipients_told(connection, {known.pmid, *others}):
        if pmid == known.pmid:
            article.setdefault(recipient, by)
        else:
            other.setdefault(recipient, set()).add(pmid)
    return Persons(article, other)


async def _past(connection: AsyncConnection, subscription_id: str, now: datetime) -> Past:
    last = await history.last(connection, subscription_id, now)
    left = await history.left(connection, subscription_id, now)
    return Past(last, left.carried)
