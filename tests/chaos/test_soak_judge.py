"""The soak's verdict: noise, a warm-up and a burst are no growth; a slow leak is."""

import random

import pytest

from tests.chaos.soak_judge import Point, growth, judged, slope, table


def _noisy(level: float, spread: float, minutes: int = 240) -> list[Point]:
    dice = random.Random(7)  # noqa: S311  to be repeated
    return [(60.0 * n, level + dice.uniform(-spread, spread)) for n in range(minutes)]


def test_the_slope_is_that_of_the_line_whatever_single_points_do() -> None:
    points = [(float(n), 3.0 * n) for n in range(50)]
    points[10], points[40] = (10.0, 10_000.0), (40.0, -10_000.0)

    assert slope(points) == pytest.approx(3.0)


def test_what_stays_within_its_noise_has_not_grown() -> None:
    assert not growth("notifier", "own", _noisy(120, 5)).is_leak
    assert not growth("notifier", "tasks", _noisy(40, 30)).is_leak


def test_warming_up_is_no_leak() -> None:
    warming = [(60.0 * n, 60 + 80 * min(n, 110) / 110) for n in range(240)]

    assert not growth("classifier", "own", warming).is_leak


def test_a_burst_that_ends_is_no_leak() -> None:
    points = [(at, value + (300 if 160 <= n <= 175 else 0)) for n, (at, value) in
              enumerate(_noisy(12, 1))]  # fmt: skip

    assert not growth("classifier", "fds", points).is_leak


@pytest.mark.parametrize(
    ("what", "a_minute"),
    [("own", 0.2), ("rss", 0.2), ("fds", 0.3), ("tasks", 1.0), ("channels", 0.1)],
)
def test_a_slow_leak_is_found_under_noise(what: str, a_minute: float) -> None:
    points = [(at, value + a_minute * at / 60) for at, value in _noisy(50, 1)]

    found = growth("classifier", what, points)

    assert found.is_leak
    assert found.grew == pytest.approx(a_minute * 119, rel=0.2)


def test_the_table_marks_what_grew_and_only_that() -> None:
    leaking = [(at, value + at / 10) for at, value in _noisy(20, 0)]
    text = table(judged({("poller", "fds"): leaking, ("poller", "tasks"): _noisy(9, 0)}))

    marked = [line.split()[1] for line in text.splitlines() if line.endswith("GREW")]
    assert marked == ["fds"]
