"""Each local day or week has one due instant, whatever the clocks of the zone do."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.schedule import WEEKDAYS, Cadence, Rhythm, is_due, latest_due, next_due


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# Each row: a zone, an hour, the instant after which we ask, and the due instant (both UTC).
DAILY = [
    ("UTC", 7, "2026-09-07 06:59:59", "2026-09-07 07:00"),
    ("UTC", 7, "2026-09-07 07:00:00", "2026-09-08 07:00"),
    ("UTC", 0, "2026-12-31 12:00", "2027-01-01 00:00"),
    ("UTC", 23, "2026-12-31 23:00", "2027-01-01 23:00"),
    ("UTC", 7, "2028-02-28 08:00", "2028-02-29 07:00"),
    ("UTC", 7, "2028-02-29 07:00", "2028-03-01 07:00"),
    ("UTC", 7, "2027-02-28 08:00", "2027-03-01 07:00"),
    ("Europe/Belgrade", 7, "2026-09-07 04:00", "2026-09-07 05:00"),
    ("Europe/Belgrade", 7, "2026-12-07 05:59", "2026-12-07 06:00"),
    ("Europe/Belgrade", 7, "2026-03-28 07:00", "2026-03-29 05:00"),
    ("Europe/Belgrade", 7, "2026-10-24 06:00", "2026-10-25 06:00"),
    # 29 March 2026, 02:00 CET is 03:00 CEST: two o'clock does not exist.
    ("Europe/Belgrade", 2, "2026-03-28 12:00", "2026-03-29 01:00"),
    ("Europe/Belgrade", 3, "2026-03-28 12:00", "2026-03-29 01:00"),
    ("Europe/Belgrade", 2, "2026-03-29 01:00", "2026-03-30 00:00"),
    # 25 October 2026, 03:00 CEST is 02:00 CET: two o'clock happens twice, the first is taken.
    ("Europe/Belgrade", 2, "2026-10-24 12:00", "2026-10-25 00:00"),
    ("Europe/Belgrade", 2, "2026-10-25 00:00", "2026-10-26 01:00"),
    ("Europe/Belgrade", 2, "2026-10-25 01:00", "2026-10-26 01:00"),
    ("America/New_York", 2, "2026-03-08 05:00", "2026-03-08 07:00"),
    ("America/New_York", 2, "2026-03-08 07:00", "2026-03-09 06:00"),
    ("America/New_York", 1, "2026-11-01 04:00", "2026-11-01 05:00"),
    ("America/New_York", 1, "2026-11-01 05:00", "2026-11-02 06:00"),
    ("America/New_York", 23, "2026-06-01 02:00", "2026-06-01 03:00"),
    ("Asia/Kathmandu", 6, "2026-09-07 00:00", "2026-09-07 00:15"),
    ("Asia/Kathmandu", 6, "2026-09-07 00:15", "2026-09-08 00:15"),
    ("Asia/Kathmandu", 0, "2026-09-06 18:00", "2026-09-06 18:15"),
    # Lord Howe moves by half an hour: 02:00 is 02:30 on 4 October 2026.
    ("Australia/Lord_Howe", 2, "2026-10-03 12:00", "2026-10-03 15:30"),
    ("Australia/Lord_Howe", 2, "2026-10-03 15:30", "2026-10-04 15:00"),
    ("Australia/Lord_Howe", 7, "2026-04-04 12:00", "2026-04-04 20:30"),
    # Samoa had no 30 December 2011.
    ("Pacific/Apia", 8, "2011-12-29 12:00", "2011-12-29 18:00"),
    ("Pacific/Apia", 8, "2011-12-29 18:00", "2011-12-30 18:00"),
    ("Pacific/Apia", 8, "2011-12-30 18:00", "2011-12-31 18:00"),
    ("Pacific/Kiritimati", 7, "2026-09-06 16:00", "2026-09-06 17:00"),
    ("Pacific/Pago_Pago", 7, "2026-09-06 16:00", "2026-09-06 18:00"),
    # Midnight that does not exist: Lebanon and Cuba change at 00:00.
    ("Asia/Beirut", 0, "2026-03-28 12:00", "2026-03-28 22:00"),
    ("America/Havana", 0, "2026-03-07 12:00", "2026-03-08 05:00"),
    # Nuuk changes at 23:00 to midnight of the next day: Saturday keeps its digest.
    ("America/Nuuk", 23, "2026-03-28 12:00", "2026-03-29 01:00"),
    ("America/Nuuk", 23, "2026-03-29 01:00", "2026-03-30 00:00"),
    # Morocco leaves its summer offset for Ramadan: two o'clock twice on 15 February 2026.
    ("Africa/Casablanca", 2, "2026-02-14 12:00", "2026-02-15 01:00"),
]

# The same, with the weekday after the zone.
WEEKLY = [
    ("UTC", "monday", 7, "2026-09-07 06:00", "2026-09-07 07:00"),
    ("UTC", "monday", 7, "2026-09-07 07:00", "2026-09-14 07:00"),
    ("UTC", "sunday", 0, "2026-09-07 07:00", "2026-09-13 00:00"),
    ("UTC", "thursday", 9, "2026-12-30 00:00", "2026-12-31 09:00"),
    ("UTC", "tuesday", 7, "2028-02-28 00:00", "2028-02-29 07:00"),
    ("Europe/Belgrade", "sunday", 2, "2026-03-25 00:00", "2026-03-29 01:00"),
    ("Europe/Belgrade", "sunday", 2, "2026-03-29 01:00", "2026-04-05 00:00"),
    ("Europe/Belgrade", "sunday", 2, "2026-10-24 00:00", "2026-10-25 00:00"),
    ("Europe/Belgrade", "sunday", 2, "2026-10-25 00:00", "2026-11-01 01:00"),
    ("Asia/Kathmandu", "monday", 3, "2026-09-05 00:00", "2026-09-06 21:15"),
    ("Pacific/Kiritimati", "monday", 1, "2026-09-05 00:00", "2026-09-06 11:00"),
    ("Pacific/Pago_Pago", "monday", 23, "2026-09-07 00:00", "2026-09-08 10:00"),
    ("Australia/Lord_Howe", "sunday", 2, "2026-10-01 00:00", "2026-10-03 15:30"),
    # The Friday that Samoa left out: its digest comes with the first instant after it.
    ("Pacific/Apia", "friday", 8, "2011-12-28 00:00", "2011-12-30 10:00"),
    ("Pacific/Apia", "friday", 8, "2011-12-30 10:00", "2012-01-05 18:00"),
]


@pytest.mark.parametrize(("zone", "hour", "after", "due"), DAILY)
def test_the_next_daily_digest_is_due_at_the_local_hour(
    zone: str, hour: int, after: str, due: str
) -> None:
    assert next_due(Rhythm("daily", hour=hour, time_zone=zone), utc(after)) == utc(due)


@pytest.mark.parametrize(("zone", "weekday", "hour", "after", "due"), WEEKLY)
def test_the_next_weekly_digest_is_due_on_the_local_weekday(
    zone: str, weekday: str, hour: int, after: str, due: str
) -> None:
    day = next(name for name in WEEKDAYS if name == weekday)
    assert next_due(Rhythm("weekly", day, hour=hour, time_zone=zone), utc(after)) == utc(due)


# The same, with the day of the month after the zone.
MONTHLY = [
    ("UTC", 1, 7, "2026-09-01 07:00", "2026-10-01 07:00"),
    ("UTC", 15, 7, "2026-12-15 07:00", "2027-01-15 07:00"),
    ("UTC", 31, 7, "2026-01-31 07:00", "2026-02-28 07:00"),
    ("UTC", 31, 7, "2028-01-31 07:00", "2028-02-29 07:00"),
    ("UTC", 30, 7, "2026-02-01 00:00", "2026-02-28 07:00"),
    ("UTC", 29, 0, "2027-02-01 00:00", "2027-02-28 00:00"),
    ("UTC", 31, 23, "2026-11-30 23:00", "2026-12-31 23:00"),
    ("UTC", 31, 23, "2026-12-31 23:00", "2027-01-31 23:00"),
    # The 29th of March 2026 has no two o'clock in Belgrade.
    ("Europe/Belgrade", 29, 2, "2026-03-01 00:00", "2026-03-29 01:00"),
    ("Pacific/Kiritimati", 1, 0, "2026-09-15 00:00", "2026-09-30 10:00"),
    ("Pacific/Pago_Pago", 31, 23, "2026-08-15 00:00", "2026-09-01 10:00"),
    # The 30th of December 2011 that Samoa left out.
    ("Pacific/Apia", 30, 8, "2011-12-01 00:00", "2011-12-30 10:00"),
]


@pytest.mark.parametrize(("zone", "day", "hour", "after", "due"), MONTHLY)
def test_the_next_monthly_digest_is_due_on_the_day_or_on_the_last_of_a_shorter_month(
    zone: str, day: int, hour: int, after: str, due: str
) -> None:
    rhythm = Rhythm("monthly", day=day, hour=hour, time_zone=zone)
    assert next_due(rhythm, utc(after)) == utc(due)


@pytest.mark.parametrize(
    ("after", "due"),
    [
        ("2026-09-07 06:59:59", "2026-09-07 07:00"),
        ("2026-09-07 07:00:00", "2026-09-07 07:15"),
        ("2026-12-31 23:50", "2027-01-01 00:00"),
    ],
)
def test_immediate_digests_are_due_every_quarter_of_an_hour(after: str, due: str) -> None:
    rhythm = Rhythm("immediate", hour=3, time_zone="Asia/Kathmandu")
    assert next_due(rhythm, utc(after)) == utc(due)
    assert latest_due(rhythm, utc(due)) == utc(due)


ZONES = ["Europe/Belgrade", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe",
         "Pacific/Apia", "America/Nuuk", "Asia/Beirut", "Africa/Casablanca"]  # fmt: skip


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("hour", [0, 2, 7, 23])
def test_a_year_has_one_daily_digest_per_local_day(zone: str, hour: int) -> None:
    tz = ZoneInfo(zone)
    slot = datetime(2026, 1, 1, tzinfo=tz).astimezone(UTC) - timedelta(seconds=1)
    end = datetime(2027, 1, 1, tzinfo=tz).astimezone(UTC)
    slots = []
    while (slot := next_due(Rhythm("daily", hour=hour, time_zone=zone), slot)) < end:
        slots.append(slot)

    assert len(slots) == 365
    assert all(timedelta(hours=22) <= b - a <= timedelta(hours=26) for a, b in pairwise(slots))
    right_hour = [s for s in slots if s.astimezone(tz).hour == hour]
    assert len(right_hour) >= 364


def test_samoa_had_364_daily_digests_in_2011() -> None:
    tz = ZoneInfo("Pacific/Apia")
    slot = datetime(2011, 1, 1, tzinfo=tz) - timedelta(seconds=1)
    count = 0
    while (slot := next_due(Rhythm("daily", hour=8, time_zone="Pacific/Apia"), slot)) < datetime(
        2012, 1, 1, tzinfo=tz
    ):
        count += 1
    assert count == 364


@given(
    cadence=st.sampled_from(["immediate", "daily", "weekly", "monthly"]),
    day=st.integers(1, 31),
    zone=st.sampled_from(ZONES),
    hour=st.integers(0, 23),
    now=st.datetimes(datetime(2005, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_now_lies_between_the_latest_and_the_next_due_instant(
    cadence: Cadence, day: int, zone: str, hour: int, now: datetime
) -> None:
    rhythm = Rhythm(cadence, "wednesday", day, hour, zone)
    latest = latest_due(rhythm, now)
    following = next_due(rhythm, latest)
    assert latest <= now < following


def test_after_days_of_silence_only_the_latest_slot_is_asked_for() -> None:
    slot = latest_due(Rhythm("daily"), utc("2026-09-12 09:00"))
    assert slot == utc("2026-09-12 07:00")
    assert is_due("daily", slot, utc("2026-09-01 00:00"), utc("2026-09-05 07:00"))


def test_what_was_due_is_not_due_again() -> None:
    slot = utc("2026-09-07 07:00")
    assert not is_due("daily", slot, utc("2026-09-01 00:00"), slot)


def test_nothing_is_due_for_the_time_before_the_subscription() -> None:
    assert not is_due("daily", utc("2026-09-07 07:00"), utc("2026-09-07 08:00"), None)


@pytest.mark.parametrize(("hours", "due"), [(2, False), (11, False), (12, True)])
def test_a_changed_hour_brings_no_second_digest_within_half_a_day(hours: int, due: bool) -> None:
    last = utc("2026-09-07 07:00")
    slot = last + timedelta(hours=hours)
    assert is_due("daily", slot, utc("2026-09-01 00:00"), last) is due


@pytest.mark.parametrize(("days", "due"), [(2, False), (4, True)])
def test_a_changed_weekday_brings_no_second_digest_within_half_a_week(days: int, due: bool) -> None:
    last = utc("2026-09-07 07:00")
    slot = last + timedelta(days=days)
    assert is_due("weekly", slot, utc("2026-09-01 00:00"), last) is due
