"""What is usual for a reader: how many new articles the digests before this one brought.

Pure. Weeks end where the present digest's period begins. The first digest does not count, for it
brings the thirty days before its subscription; nor does a week that began before it ended. The
middle of the numbers is told: of eight weeks the leanest and the fullest are left out.

Who has not had digests for so long is told what the topic would have brought: the articles that
pass today's filters, by the week in which PubMed took them in.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from services.notifier.digest import Usual

WEEKS = 8
MONTHS = 6
FEWEST = 4
"""From fewer weeks or months nothing is usual yet."""

Told = tuple[datetime, int]
"""An earlier digest: the end of its period, and how many new articles it brought."""


def usual(told: Sequence[Told], until: datetime, cadence: str) -> Usual | None:
    """The usual number a week, a month for a monthly digest; `None` when too little is known.

    `told` has the digests as far back as is known, the oldest first; `until` is the end of the
    last week.
    """
    monthly = [number for _, number in told[1:]][-MONTHS:]
    numbers = monthly if cadence == "monthly" else _weekly(told, until)
    if len(numbers) < FEWEST:
        return None
    return _middle(numbers, "month" if cadence == "monthly" else "week")


def usual_of_topic(entered: Sequence[datetime], until: datetime) -> Usual | None:
    """The same from articles by their entry into PubMed; `None` when there was none."""
    week = timedelta(weeks=1)
    starts = [until - week * back for back in range(1, WEEKS + 1)]
    numbers = [sum(start < at <= start + week for at in entered) for start in starts]
    return _middle(numbers, "week") if any(numbers) else None


def _middle(numbers: Sequence[int], unit: Literal["week", "month"]) -> Usual:
    in_turn = sorted(numbers)
    aside = (len(in_turn) - 1) // 4
    return Usual(low=in_turn[aside], high=in_turn[-1 - aside], over=len(in_turn), unit=unit)


def _weekly(told: Sequence[Told], until: datetime) -> list[int]:
    if not told:
        return []
    week = timedelta(weeks=1)
    starts = (until - week * back for back in range(1, WEEKS + 1))
    return [
        sum(number for at, number in told if start < at <= start + week)
        for start in starts
        if start >= told[0][0]
    ]
