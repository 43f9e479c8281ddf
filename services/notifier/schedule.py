"""When a digest is due: once per local day or week, at the subscriber's hour, on DST days too.

Pure: no clock, no database. A local time that a clock change skips falls to the first instant
after the gap; one that happens twice is taken the first time (`fold=0`, PEP 495). A day that a
zone left out altogether (Samoa, 30 December 2011) has no daily digest, and its weekly one falls
to the first instant after it.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

Cadence = Literal["immediate", "daily", "weekly", "monthly"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)

LEAST_APART: dict[Cadence, timedelta] = {
    "immediate": timedelta(),
    "daily": timedelta(hours=12),
    "weekly": timedelta(days=3, hours=12),
    "monthly": timedelta(days=14),
}
"""A changed hour, day or zone never brings two digests within half a cadence."""

_REACH = timedelta(days=9)
"""A week, and a day on each side for zones up to 14 hours from UTC and skipped days."""


def next_due(
    cadence: Cadence, weekday: Weekday, hour: int, tz: ZoneInfo, after: datetime
) -> datetime:
    """The first due instant later than `after`, in UTC; `weekday` counts for weekly only."""
    days = _days(after.astimezone(tz).date() - timedelta(days=2), _REACH + timedelta(days=2))
    return min(slot for slot in _slots(cadence, weekday, hour, tz, days) if slot > after)


def latest_due(
    cadence: Cadence, weekday: Weekday, hour: int, tz: ZoneInfo, now: datetime
) -> datetime:
    """The last due instant that is not later than `now`, in UTC."""
    days = _days(now.astimezone(tz).date() - _REACH, _REACH + timedelta(days=1))
    return max(slot for slot in _slots(cadence, weekday, hour, tz, days) if slot <= now)


def is_due(cadence: Cadence, slot: datetime, since: datetime, last: datetime | None) -> bool:
    """Whether `slot` brings a digest: later than `since` and far enough from the `last` one.

    A notifier that was down for days asks for the latest slot only, so that one digest covers
    the whole gap.
    """
    return slot > since and (last is None or slot - last >= LEAST_APART[cadence])


def _days(first: date, span: timedelta) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range(span.days + 1))


def _slots(
    cadence: Cadence, weekday: Weekday, hour: int, tz: ZoneInfo, days: Iterator[date]
) -> Iterator[datetime]:
    for day in days:
        if cadence == "daily" and not _exists(day, tz):
            continue
        if cadence == "weekly" and WEEKDAYS[day.weekday()] != weekday:
            continue
        yield _instant(datetime.combine(day, time(hour)), tz)


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
