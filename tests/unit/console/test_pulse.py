from datetime import timedelta

from services.console.pulse import overdue_since
from tests.builders import NOON, poll_completed


def test_a_poller_that_is_silent_for_too_long_is_overdue() -> None:
    poll = poll_completed(next_at=NOON + timedelta(hours=1)).data

    assert overdue_since(poll, NOON + timedelta(minutes=89)) is None
    assert overdue_since(poll, NOON + timedelta(minutes=91)) == NOON + timedelta(hours=1)


def test_before_the_first_poll_and_for_polls_of_an_older_version_nothing_is_overdue() -> None:
    assert overdue_since(None, NOON) is None
    assert overdue_since(poll_completed().data, NOON + timedelta(days=9)) is None
