"""When each replayed event may go."""

from datetime import timedelta

from services.console.replay.pacing import CATCH_UP, Pace
from tests.builders import NOON


def test_without_limits_everything_goes_at_once() -> None:
    pace = Pace()

    assert [pace.due(NOON + timedelta(days=n), 7.0) for n in range(3)] == [7.0] * 3


def test_a_rate_is_never_exceeded_and_nothing_is_caught_up() -> None:
    pace = Pace(rate=4)

    assert [pace.due(NOON, 10.0) for _ in range(3)] == [10.0, 10.25, 10.5]
    assert [pace.due(NOON, 60.0) for _ in range(2)] == [60.0, 60.25]


def test_sixty_times_as_fast_an_hour_is_a_minute() -> None:
    pace = Pace(speed=60)
    offsets = (timedelta(0), timedelta(minutes=1), timedelta(hours=1))

    assert [round(pace.due(NOON + one, 100.0), 6) for one in offsets] == [100.0, 101.0, 160.0]


def test_a_short_delay_is_caught_up_with_and_a_pause_is_not() -> None:
    pace = Pace(speed=60)
    pace.due(NOON, 100.0)

    assert round(pace.due(NOON + timedelta(minutes=1), 102.0), 6) == 102.0
    assert round(pace.due(NOON + timedelta(minutes=4), 102.0), 6) == 104.0
    late = 104.0 + CATCH_UP + 1
    assert round(pace.due(NOON + timedelta(minutes=4), late), 6) == late
    assert round(pace.due(NOON + timedelta(minutes=5), late), 6) == late + 1


def test_an_event_older_than_the_one_before_goes_with_it_and_shifts_nothing() -> None:
    pace = Pace(speed=60)
    pace.due(NOON + timedelta(hours=1), 0.0)

    assert pace.due(NOON, 0.0) == 0.0
    assert round(pace.due(NOON + timedelta(hours=2), 0.0), 6) == 60.0


def test_the_slower_of_both_limits_counts() -> None:
    pace = Pace(rate=1, speed=60)

    dues = [pace.due(NOON + timedelta(minutes=m), 0.0) for m in (0, 0, 5)]
    assert [round(one, 6) for one in dues] == [0.0, 1.0, 5.0]
