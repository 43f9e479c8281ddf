"""Spans of time as PubMed's queries write them, and their halves."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Window:
    """Days, both included, as PubMed dates its records (US Eastern time)."""

    first: date
    last: date

    def halves(self) -> "tuple[Window, Window] | tuple[Minutes, Minutes]":
        """The window in two: of days, and a single day by its hours."""
        if self.first >= self.last:
            day = datetime.combine(self.first, time())
            return Minutes(day, day + _DAY - _MINUTE).cut()
        middle = self.first + (self.last - self.first) // 2
        return replace(self, last=middle), replace(self, first=middle + _DAY)

    def __str__(self) -> str:
        return f"{self.first:%Y/%m/%d}:{self.last:%Y/%m/%d}"


@dataclass(frozen=True)
class Minutes:
    """Minutes, both included. PubMed's own translations write times so; no page promises it."""

    first: datetime
    last: datetime

    def halves(self) -> "tuple[Minutes, Minutes] | None":
        """The window in two; none for a single minute."""
        return self.cut() if self.first < self.last else None

    def cut(self) -> "tuple[Minutes, Minutes]":
        """Two parts, of equal length or the second a minute longer."""
        minutes = (self.last - self.first) // _MINUTE + 1
        middle = self.first + _MINUTE * (minutes // 2)
        return replace(self, last=middle - _MINUTE), replace(self, first=middle)

    def __str__(self) -> str:
        return f"{self.first:%Y/%m/%d %H:%M}:{self.last:%Y/%m/%d %H:%M}"
