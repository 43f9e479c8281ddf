from datetime import timedelta

import pytest

from shared.errors import Away, Permanent, Retryable
from shared.outcome import Park, Retry, after_failure

DELAYS = (timedelta(seconds=1), timedelta(seconds=10), timedelta(minutes=1))


@pytest.mark.parametrize(("attempt", "step"), [(1, 1), (2, 2), (3, 3)])
def test_a_fault_that_may_pass_is_retried_with_growing_delays(attempt: int, step: int) -> None:
    assert after_failure(Retryable("away"), attempt, DELAYS) == Retry(step, DELAYS[step - 1])


def test_after_the_last_delay_it_is_parked_as_exhausted() -> None:
    outcome = after_failure(Retryable("away"), 4, DELAYS)

    assert isinstance(outcome, Park)
    assert outcome.reason == "exhausted"


def test_a_wait_that_the_other_side_named_is_kept() -> None:
    outcome = after_failure(Retryable("slow down", timedelta(seconds=8)), 1, DELAYS)

    assert outcome == Retry(2, DELAYS[1])


def test_a_named_wait_beyond_the_longest_delay_takes_the_longest() -> None:
    outcome = after_failure(Retryable("slow down", timedelta(days=1)), 1, DELAYS)

    assert outcome == Retry(3, DELAYS[2])


def test_a_permanent_fault_is_parked_at_once_with_its_traceback() -> None:
    try:
        raise Permanent("no such thing")
    except Permanent as fault:
        outcome = after_failure(fault, 1, DELAYS)

    assert isinstance(outcome, Park)
    assert outcome.reason == "permanent"
    assert outcome.error == "Permanent: no such thing"
    assert "test_outcome.py" in outcome.traceback


def test_any_other_exception_is_a_bug_and_is_parked() -> None:
    outcome = after_failure(KeyError("x"), 1, DELAYS)

    assert isinstance(outcome, Park)
    assert outcome.reason == "bug"


def test_while_an_engine_is_away_nothing_is_given_up() -> None:
    for attempt in (1, 3, 4, 1000):
        outcome = after_failure(Away("database: away"), attempt, DELAYS)
        assert isinstance(outcome, Retry)
        assert outcome.delay <= timedelta(minutes=1)
