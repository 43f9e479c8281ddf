"""What is usual for a reader: how many new articles the digests before this one brought.

Pure. Weeks end where the present digest's period begins. The first digest does not count, for it
brings the thirty days before its subscription; nor does a week that began before it ended. The
middle of the numbers is told: of eight weeks the leanest and the fullest are left out.
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
    numbers = sorted(monthly if cadence == "monthly" else _weekly(told, until))
    if len(numbers) < FEWEST:
        return None
    aside = (len(numbers) - 1) // 4
    unit: Literal["week", "month"] = "month" if cadence == "monthly" else "week"
    return Usual(low=numbers[aside], high=numbers[-1 - aside], over=len(numbers), unit=unit)


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
