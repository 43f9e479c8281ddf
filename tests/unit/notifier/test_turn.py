"""Whose turn it is; and the quick look never passes over anybody whose turn it is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.schedule import WEEKDAYS
from services.notifier.turn import Turns, due_slot
from tests.unit.notifier.kit import START, a_subscription

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

times = st.datetimes(datetime(2026, 8, 1), datetime(2026, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001
rhythms = st.fixed_dictionaries(
    {
        "cadence": st.sampled_from(["immediate", "daily", "weekly", "monthly"]),
        "weekday": st.sampled_from(WEEKDAYS),
        "day": st.integers(1, 31),
        "hour": st.integers(0, 23),
        "time_zone": st.sampled_from(["UTC", "Europe/Belgrade", "Australia/Lord_Howe"]),
    }
)


@given(rhythm=rhythms, now=times, last=st.none() | times, looked=st.none() | times, until=times)
def test_a_quick_look_passes_over_nobody_whose_turn_it_is(
    rhythm: dict[str, Any],
    now: datetime,
    last: datetime | None,
    looked: datetime | None,
    until: datetime,
) -> None:
    pause = {"paused_at": until - DAY, "paused_until": until}
    for more in ({}, pause):
        one = a_subscription(**rhythm, **more, looked_at=looked)
        known = last if last and last <= now else None
        slot = due_slot(one, known, now)
        if slot is not None:
            assert slot <= now
            assert Turns(now).may_come(rhythm, known)
            assert not (more and slot < until)
            assert due_slot(one, slot, now) is None


@pytest.mark.parametrize(
    "wish",
    [
        {"cadence": "hourly"},
        {"hour": 99, "cadence": "daily"},
        {"time_zone": "Mars"},
        {"hour": None},
    ],
)
def test_a_wish_that_cannot_be_read_is_looked_at_whole(wish: dict[str, Any]) -> None:
    assert Turns(START).may_come(wish, START)


@pytest.mark.parametrize("wish", [{}, {"cadence": "daily", "hour": 7}])
def test_what_a_wish_does_not_say_is_as_by_default(wish: dict[str, Any]) -> None:
    assert Turns(START + 8 * HOUR).may_come(wish, START)
    assert not Turns(START + 8 * HOUR).may_come(wish, START + 7 * HOUR)
