"""So many messages a second, by a clock in hand."""

from hypothesis import given
from hypothesis import strategies as st

from services.notifier.senders.pace import Buckets, Pace


def test_one_a_second_after_the_first() -> None:
    buckets = Buckets(1.0)
    assert [buckets.reserve("c", 0.0) for _ in range(3)] == [0.0, 1.0, 2.0]
    assert buckets.reserve("other", 0.0) == 0.0
    assert buckets.reserve("c", 10.0) == 0.0
    assert buckets.reserve("c", 10.0) == 1.0


def test_a_burst_after_a_silence() -> None:
    buckets = Buckets(10.0, burst=3.0)
    waits = [buckets.reserve("d", 100.0) for _ in range(5)]
    assert [round(wait, 6) for wait in waits] == [0.0, 0.0, 0.0, 0.1, 0.2]


@given(st.floats(0.5, 50), st.floats(1, 20), st.lists(st.floats(0, 2), min_size=2, max_size=60))
def test_no_window_holds_more_than_the_rate_and_the_burst(
    rate: float, burst: float, pauses: list[float]
) -> None:
    buckets, now, turns = Buckets(rate, burst), 0.0, []
    for pause in pauses:
        now += pause
        turns.append(now + buckets.reserve("d", now))
    for first in range(len(turns)):
        for last in range(first, len(turns)):
            span = turns[last] - turns[first]
            assert last - first + 1 <= burst + span * rate + 1e-6


async def test_whoever_was_asked_to_wait_holds_its_key_only() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    pace = Pace(Buckets(1.0), lambda: 5.0, sleep)
    pace.hold("c", 30.0)
    assert (pace.held("c"), pace.held("d")) == (30.0, 0.0)
    await pace.turn("c")
    await pace.turn("d")
    assert slept == [30.0]


def test_what_is_remembered_has_an_end() -> None:
    buckets = Buckets(10.0)
    for number in range(25_000):
        buckets.reserve(str(number), float(number))
    assert len(buckets._free_at) <= 10_001
