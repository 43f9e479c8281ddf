"""Due instants in any zone, over years, for notifiers whose clocks jump, differ, and stand still.

What is right is found in another way than by the code: by walking along the zone's local clock.
"""

import asyncio
import zoneinfo
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifier import tables
from services.notifier.schedule import WEEKDAYS, Rhythm, latest_due, next_due
from services.notifier.subscription import Subscription
from services.poller.run import poll_due
from services.poller.topic import Topic
from tests.model.ground import Ground, opened
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription
from tests.unit.poller.fakes import FakePubMed
from tests.unit.poller.polling import ONLY_WORDS

QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)
ODD = {
    "Australia/Lord_Howe": 2026,  # moves by half an hour
    "Pacific/Apia": 2011,  # had no 30 December
    "Pacific/Fakaofo": 2011,  # nor had Tokelau
    "Antarctica/Troll": 2026,  # moves by two hours
    "Africa/Casablanca": 2026,  # goes back for Ramadan
    "America/Nuuk": 2026,  # moves at ten in the evening
    "Asia/Beirut": 2026,  # moves at midnight
    "Asia/Pyongyang": 2015,  # went back by half an hour, for three years
    "America/Caracas": 2016,  # went ahead by half an hour
    "Asia/Kathmandu": 2028,  # a quarter off, in a leap year
    "Europe/Volgograd": 2018,
    "Antarctica/Casey": 2018,  # moved by three hours
}
ZONES = st.one_of(
    st.sampled_from(sorted(ODD)), st.sampled_from(sorted(zoneinfo.available_timezones()))
)
RHYTHMS = st.builds(
    Rhythm,
    cadence=st.sampled_from(["daily", "weekly", "monthly"]),
    weekday=st.sampled_from(WEEKDAYS),
    day=st.integers(1, 31),
    hour=st.integers(0, 23),
    time_zone=ZONES,
)
YEARS = st.integers(2005, 2036)


@pytest.fixture(autouse=True)
def one_table_of_zones() -> Iterator[None]:
    """The package's, whatever the machine has."""
    of_the_machine = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(())
    ZoneInfo.clear_cache()
    _walked.cache_clear()
    yield
    zoneinfo.reset_tzpath(of_the_machine)
    ZoneInfo.clear_cache()


@lru_cache(maxsize=8)
def _walked(zone: str, year: int) -> tuple[list[datetime], list[datetime], frozenset[date]]:
    """Every quarter of an hour of a year and some days: in UTC, the latest local time so far, days.

    Offsets are whole quarters of an hour in these years, so a local hour begins at one of them.
    """
    tz, at = ZoneInfo(zone), datetime(year, 1, 1, tzinfo=UTC) - 40 * DAY
    instants, local, days = [], [], set()
    latest = datetime.min  # noqa: DTZ901  local times have no zone here
    while at.year <= year or at < datetime(year + 1, 1, 1, tzinfo=UTC) + 5 * DAY:
        shown = at.astimezone(tz).replace(tzinfo=None)
        latest = max(latest, shown)
        instants.append(at)
        local.append(latest)
        days.add(shown.date())
        at += QUARTER
    return instants, local, frozenset(days)


def right(rhythm: Rhythm, year: int) -> list[datetime]:
    """The due instants of a year: when the local clock first shows the hour, or is beyond it."""
    instants, local, days = _walked(rhythm.time_zone, year)
    due = []
    day, end = local[0].date() + DAY, local[-1].date()
    while day < end:
        wanted = datetime.combine(day, time(rhythm.hour))
        if _is_day(rhythm, day) and (rhythm.cadence != "daily" or day in days):
            first = bisect_right(local, wanted - timedelta(microseconds=1))
            due.append(instants[first])
        day += DAY
    return sorted(set(due))


def _is_day(rhythm: Rhythm, day: date) -> bool:
    if rhythm.cadence == "weekly":
        return day.strftime("%A").lower() == rhythm.weekday
    return rhythm.cadence == "daily" or day.day == rhythm.day or (
        day.day < rhythm.day and (day + DAY).month != day.month
    )  # fmt: skip


def walked(rhythm: Rhythm, year: int) -> list[datetime]:
    """The due instants of a year as the code names them, one after the other."""
    at, found = datetime(year, 1, 1, tzinfo=UTC), []
    while (at := next_due(rhythm, at)) < datetime(year + 1, 1, 1, tzinfo=UTC):
        found.append(at)
    return found


def of_year(due: list[datetime], year: int) -> list[datetime]:
    begin, end = (datetime(y, 1, 1, tzinfo=UTC) for y in (year, year + 1))
    return [at for at in due if begin < at < end]


@pytest.mark.parametrize(("zone", "year"), ODD.items())
def test_the_hours_of_an_odd_year_are_due_when_the_local_clock_shows_it(
    zone: str, year: int
) -> None:
    for hour in (0, 1, 2, 3, 7, 22, 23):
        rhythm = Rhythm("daily", hour=hour, time_zone=zone)
        assert walked(rhythm, year) == of_year(right(rhythm, year), year)


@settings(deadline=None, max_examples=25)
@given(rhythm=RHYTHMS, year=YEARS, data=st.data())
def test_in_any_zone_and_year_nothing_is_due_at_a_wrong_hour_and_nothing_is_left_out(
    rhythm: Rhythm, year: int, data: st.DataObject
) -> None:
    due = right(rhythm, year)
    assert walked(rhythm, year) == of_year(due, year)
    at = datetime(year, 1, 1, tzinfo=UTC) + data.draw(st.floats(0, 365)) * DAY
    assert latest_due(rhythm, at) == max(slot for slot in due if slot <= at)


JUMPS = st.sampled_from(
    [timedelta(hours=n) for n in (1, 5, 7, 7, 11, 24, 24, 60, 200, -2, -30, -500, 1000)]
)


@settings(deadline=None, max_examples=8)
@given(
    rhythm=RHYTHMS,
    year=YEARS,
    jumps=st.lists(st.tuples(JUMPS, st.integers(0, 1)), min_size=10, max_size=30),
    apart=st.sampled_from([timedelta(), timedelta(minutes=3), timedelta(minutes=-20)]),
)
def test_two_notifiers_whose_clocks_jump_and_differ_cut_each_due_instant_once(
    ground: Ground, rhythm: Rhythm, year: int, jumps: list[tuple[timedelta, int]], apart: timedelta
) -> None:  # fmt: skip
    begin = datetime(year, 3, 1, tzinfo=UTC)
    begun = {"created_at": begin, "confirmed_at": begin}
    one = a_subscription(when_empty="heartbeat", **begun, **asdict(rhythm))
    due = sorted({*right(one.rhythm, year), *right(one.rhythm, year + 1)})
    asyncio.run(_live(ground, one, due, jumps, apart))


async def _live(
    ground: Ground, one: Subscription, due: list[datetime],
    jumps: list[tuple[timedelta, int]], apart: timedelta,
) -> None:  # fmt: skip
    store = opened(ground.life(), "notifier")
    desk = Desk(store.engine)
    desk.clock.now = desk.timer.now = at = one.created_at
    await desk.subscribe(one)
    await desk.receive(a_poll_event(at - DAY))
    for jump, which in jumps:
        at = max(at + jump, one.created_at)
        desk.clock.now = desk.timer.now = now = at + which * apart
        await desk.deliver(max_wait=timedelta())
        await _judge(desk, due, now, one.created_at)
    await store.engine.dispose()


async def _judge(desk: Desk, due: list[datetime], now: datetime, begun: datetime) -> None:
    rows = await desk.rows(tables.digests)
    cut = [row.period_to for row in rows]
    assert len(set(cut)) == len(cut), "once"
    assert set(cut) <= set(due), "at the local hour"
    latest = max(slot for slot in due if slot <= now)
    assert latest <= begun or latest in cut, "none is left out"
    begins = {row.period_from for row in rows}
    assert begins <= {*cut, begun - 30 * DAY}, "each goes on where another ended"
    assert sum(row.state == "sent" for row in rows) == len(desk.sender.sent)


@settings(deadline=None, max_examples=8)
@given(
    jumps=st.lists(
        st.sampled_from([timedelta(minutes=n) for n in (1, 4, 20, 59, 61, 3000, -30, -90_000)]),
        min_size=8,
        max_size=25,
    )
)
def test_a_poller_whose_clock_jumps_polls_at_its_interval_and_is_never_silent(
    ground: Ground, jumps: list[timedelta]
) -> None:
    asyncio.run(_poll(ground, ONLY_WORDS, jumps))


async def _poll(ground: Ground, topic: Topic, jumps: list[timedelta]) -> None:
    store, pubmed, now = opened(ground.life(), "poller"), FakePubMed(), START
    done: list[datetime] = []
    interval = timedelta(minutes=topic.poll_every_minutes)
    for jump in jumps:
        now += jump
        polls = await poll_due(store.engine, pubmed.eutils(), [topic], lambda: now)  # noqa: B023
        lately = [at for at in done if now - interval < at <= now]
        assert bool(polls) != bool(lately), "polled when it was not for an interval, and then only"
        assert all(poll.healthy for poll in polls)
        done += [now] * len(polls)
    await store.engine.dispose()
