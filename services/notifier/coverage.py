"""What was checked in a period, whether all of it has arrived, and whether the source is well.

Pure. A digest is cut when every poll of its period has all the articles that it announced; after
`max_wait` it is cut all the same and says how many are still on their way. They are in nobody's
ledger, so the next digest brings them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from services.notifier.digest import Coverage
from services.notifier.health import drifts, line, troubles
from services.notifier.select import Period
from shared.events import Poll

LATE = timedelta(days=7)
"""Articles of polls up to this old are counted as still in processing."""

LEAST_GRACE = timedelta(minutes=30)
"""A poll may end this much later than it was due, or by half the pause between two polls."""


def is_complete(polls: Sequence[Poll], arrived: Mapping[str, int]) -> bool:
    """Whether a poll has ended and all that the polls announced has arrived.

    No poll at all is waited for too: its result may be on its way.
    """
    return bool(polls) and in_processing(polls, arrived) == 0


def in_processing(polls: Sequence[Poll], arrived: Mapping[str, int]) -> int:
    """How many announced articles have not arrived; `arrived` counts them by poll id."""
    return sum(max(0, poll.announced - arrived.get(poll.poll_id, 0)) for poll in polls)


def coverage(
    polls: Sequence[Poll], pending: int, last_healthy: Poll | None, period: Period
) -> Coverage:
    """The coverage line of a digest; `polls` are those of its period, the oldest first.

    The source is unhealthy when no poll ended in the period, the last one left a leg open, or
    the next one is overdue at the period's end. Numbers are those of the last poll: its windows
    overlap those of earlier ones. How PubMed reads a query is told by the poll that saw it change.
    """
    silent = not polls or is_overdue(polls[-1], period.end)
    healthy = bool(polls) and polls[-1].healthy and not silent
    legs = polls[-1].legs if polls else ()
    return Coverage(
        polls=len(polls),
        healthy=healthy,
        unhealthy_since=None if healthy else _since(polls, last_healthy, period),
        silent=silent,
        checked_from=min(map(_begin, polls), default=None),
        checked_to=polls[-1].finished_at if polls else None,
        counted=sum(leg.fetched if leg.counted is None else leg.counted for leg in legs),
        stored=sum(leg.fetched for leg in legs),
        in_processing=pending,
        legs=tuple(map(line, legs)),
        troubles=troubles(legs),
        drifts=drifts(polls),
    )


def is_overdue(last: Poll, at: datetime) -> bool:
    """Whether the poll after `last` should have ended by `at`; never, when none was promised.

    The grace is 30 minutes, or half the time between this poll's end and the next one's start
    when that is longer: a poll takes a while, and one a day need not come to the minute.
    """
    if last.next_at is None:
        return False
    return at > last.next_at + max(LEAST_GRACE, (last.next_at - last.finished_at) / 2)


def _since(polls: Sequence[Poll], last_healthy: Poll | None, period: Period) -> datetime:
    """The end of the last healthy poll ever, or the period's start when there was none.

    With nothing after that poll, the trouble began when the next one did not come.
    """
    if last_healthy is None:
        return period.start
    fell_silent = not polls or polls[-1].healthy
    if fell_silent and last_healthy.next_at and is_overdue(last_healthy, period.end):
        return last_healthy.next_at
    return last_healthy.finished_at


def _begin(poll: Poll) -> datetime:
    windows = (leg.window_from for leg in poll.legs if leg.window_from)
    return min(windows, default=poll.started_at)
