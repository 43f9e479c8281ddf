"""When a digest is due: once per local day, week or month, at the subscriber's hour.

Pure: no clock, no database. On days of a clock change, a local time that is skipped falls to the
first instant after the gap; one that happens twice is taken the first time (`fold=0`, PEP 495). A
day that a zone left out altogether (Samoa, 30 December 2011) has no daily digest, and its weekly
or monthly one falls to the first instant after it. A month that is too short for a day has its
digest on its last one.

Immediate digests are bundled: they are due every quarter of an hour of UTC, and written only when
there is something to tell.
"""

from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

Cadence = Literal["immediate", "daily", "weekly", "monthly"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)

BUNDLE = timedelta(minutes=15)
"""Immediate digests are due this far apart: one mail for all that came meanwhile."""

LEAST_APART: dict[Cadence, timedelta] = {
    "immediate": BUNDLE,
    "daily": timedelta(hours=12),
    "weekly": timedelta(days=3, hours=12),
    "monthly": timedelta(days=14),
}
"""A changed hour, day or zone never brings two digests within half a cadence."""

_ASIDE = timedelta(days=2)
"""Zones are up to 14 hours from UTC, and may leave a day out."""

_REACH: dict[Cadence, timedelta] = {
    "immediate": timedelta(),
    "daily": timedelta(days=1),
    "weekly": timedelta(days=7),
    "monthly": timedelta(days=31),
}


@dataclass(frozen=True)
class Rhythm:
    """How often, and at which local time; `weekday` counts for weekly, `day` for monthly."""

    cadence: Cadence = "weekly"
    weekday: Weekday = "monday"
    day: int = 1
    hour: int = 7
    time_zone: str = "UTC"

    @classmethod
    def of(cls, wish: Mapping[str, Any]) -> "Rhythm":
        """From a wish as it is on record; what it does not say is as it is by default."""
        return cls(**{name: wish[name] for name in _NAMES if name in wish})

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose clock `hour` is read from."""
        return ZoneInfo(self.time_zone)


_NAMES = tuple(Rhythm.__dataclass_fields__)


def next_due(rhythm: Rhythm, after: datetime) -> datetime:
    """The first due instant later than `after`, in UTC."""
    if rhythm.cadence == "immediate":
        return _bundled(after) + BUNDLE
    today = after.astimezone(rhythm.zone).date()
    days = (today - _ASIDE, today + _REACH[rhythm.cadence] + _ASIDE)
    return min(slot for slot in _slots(rhythm, *days) if slot > after)


def latest_due(rhythm: Rhythm, now: datetime) -> datetime:
    """The last due instant that is not later than `now`, in UTC."""
    if rhythm.cadence == "immediate":
        return _bundled(now)
    today = now.astimezone(rhythm.zone).date()
    days = (today - _REACH[rhythm.cadence] - _ASIDE, today + timedelta(days=1))
    return max(slot for slot in _slots(rhythm, *days) if slot <= now)


def is_due(cadence: Cadence, slot: datetime, since: datetime, last: datetime | None) -> bool:
    """Whether `slot` brings a digest: later than `since` and far enough from the `last` one.

    A notifier that was down for days asks for the latest slot only, so that one digest covers
    the whole gap.
    """
    return slot > since and (last is None or slot - last >= LEAST_APART[cadence])


def _bundled(at: datetime) -> datetime:
    return datetime.fromtimestamp(at.timestamp() // BUNDLE.seconds * BUNDLE.seconds, UTC)


def _slots(rhythm: Rhythm, first: date, last: date) -> Iterator[datetime]:
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        if _is_day(rhythm, day):
            yield _instant(datetime.combine(day, time(rhythm.hour)), rhythm.zone)


def _is_day(rhythm: Rhythm, day: date) -> bool:
    if rhythm.cadence == "weekly":
        return WEEKDAYS[day.weekday()] == rhythm.weekday
    if rhythm.cadence == "monthly":
        return day.day == min(rhythm.day, monthrange(day.year, day.month)[1])
    return _exists(day, rhythm.zone)


def _exists(day: date, tz: ZoneInfo) -> bool:
    return _instant(datetime.combine(day, time()), tz).astimezone(tz).date() == day


def _instant(local: datetime, tz: ZoneInfo) -> datetime:
    late = local.replace(tzinfo=tz).astimezone(UTC)
    if late.astimezone(tz).replace(tzinfo=None) == local:
        return late
    # In a gap PEP 495 reads fold=0 with the offset before it and fold=1 with the one after it:
    # two instants with the change between them.
    early = local.replace(tzinfo=tz, fold=1).astimezone(UTC)
    return _change_between(early, late, tz)


def _change_between(early: datetime, late: datetime, tz: ZoneInfo) -> datetime:
    """The first second, after `early`, of the offset that `late` has."""
    offset = late.astimezone(tz).utcoffset()
    low, high = int(early.timestamp()), int(late.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, tz).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return datetime.fromtimestamp(high, UTC)
