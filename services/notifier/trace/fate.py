"""Why an article was not told to a subscription, or when it will be. Pure; never an address."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.notifier.archive.history import Happening
from services.notifier.history import Last
from services.notifier.project import Known
from services.notifier.schedule import next_due
from services.notifier.select import Period, no_news
from services.notifier.subscribers import Kept
from services.notifier.subscription import Subscription
from services.notifier.ties import Kin, told_once
from services.notifier.turn import due_slot

WAITS = "waits for its next digest"
_EVER = datetime(9999, 1, 1, tzinfo=UTC)
LATE = "due and not cut: its digest waits for articles on their way, or no notifier runs"


@dataclass(frozen=True)
class Fate:
    """A subscription that was not told: why, and when it will be, where it will (UTC)."""

    subscription_id: str
    cadence: str
    why: str
    next_at: datetime | None = None


@dataclass(frozen=True)
class Past:
    """What a subscription's digests leave to its next one."""

    last: Last
    carried: datetime | None


@dataclass(frozen=True)
class Persons:
    """Who was told of an article or of other versions of it, by the hash of the recipient.

    `article` has the subscription that told each, `other` the PMIDs of other versions told.
    """

    article: Mapping[str, str]
    other: Mapping[str, Collection[int]]


def standing(known: Known, kept: Kept, persons: Persons) -> Fate | None:
    """Why it was not told, whatever its digests were; None when that depends on them."""
    one = kept.subscription
    if kept.recipient in persons.article:
        return _fate(one, f"its reader has it by {persons.article[kept.recipient]}")
    why = _not_mailed(kept) or _never_news(known, one)
    return _fate(one, why) if why else None


def _not_mailed(kept: Kept) -> str | None:
    if kept.subscription.confirmed_at is None:
        return "not confirmed by its reader"
    if kept.suppressed:
        return "its reader is never written to"
    return None if kept.active else f"off: {kept.inactive_reason or 'no reason on record'}"


def _never_news(known: Known, one: Subscription) -> str | None:
    if known.backfill and one.background:
        return "background: it comes some at a time, the most related first"
    return no_news(known, one, Period(one.created_at, _EVER))


def next_digest(
    known: Known, kept: Kept, persons: Persons, past: Past, kin: Kin, now: datetime
) -> Fate:
    """What its next digest will do with it; of an article for which `standing` says nothing."""
    one = kept.subscription
    overdue = due_slot(one, past.last.slot, now)
    slot = overdue or _next(one, past.last.slot, now)
    period = Period.of(one, past.last.end, slot)
    period = Period(period.start, period.end, past.carried, now)
    if (why := no_news(known, one, period)) is not None:
        return _fate(one, why)
    told = Kin(versions=kin.versions, told=persons.other.get(kept.recipient, ()))
    if one.preprints == "once" and not told_once([known.entry], told):
        return _fate(one, "a preprint: its reader was sent the journal version")
    if one.is_paused(now) and one.paused_until is None:
        return _fate(one, "paused, until its reader goes on")
    if one.is_paused(now):
        return _fate(one, "paused", slot)
    return _fate(one, LATE if overdue else WAITS, slot)


def _next(one: Subscription, last: datetime | None, now: datetime) -> datetime:
    """Its next due instant: after a pause that ends, and not too soon after the last one."""
    at = max(now, one.created_at, one.confirmed_at or now)
    if one.paused_until is not None:
        at = max(at, one.paused_until - timedelta(microseconds=1))
    found = next_due(one.rhythm, at)
    for _ in range(3):
        if due_slot(one.model_copy(update={"paused_at": None}), last, found) == found:
            break
        found = next_due(one.rhythm, found)
    return found


def _fate(one: Subscription, why: str, next_at: datetime | None = None) -> Fate:
    return Fate(one.id, one.cadence, why, next_at)


@dataclass(frozen=True)
class Group:
    """Subscriptions of one cadence for which the same holds; `next_at` is the first's."""

    why: str
    cadence: str
    ids: tuple[str, ...]
    next_at: datetime | None


def grouped(fates: Iterable[Fate]) -> list[Group]:
    """By reason and cadence, those with the most subscriptions first."""
    groups: dict[tuple[str, str], list[Fate]] = {}
    for one in fates:
        groups.setdefault((one.why, one.cadence), []).append(one)
    made = [
        Group(
            why,
            cadence,
            tuple(sorted(one.subscription_id for one in members)),
            min((one.next_at for one in members if one.next_at), default=None),
        )
        for (why, cadence), members in groups.items()
    ]
    return sorted(made, key=lambda one: (-len(one.ids), one.why, one.cadence))


def merged(*parts: Iterable[Happening]) -> list[Happening]:
    """All of them in the order of time."""
    return sorted((one for part in parts for one in part), key=lambda one: one.at)
