"""Dates as PubMed takes them: 2026, 2026/09 or 2026/09/01."""

import re
from calendar import monthrange
from datetime import date

_DATE = re.compile(r"(\d{4})(?:[/.-](\d{1,2})(?:[/.-](\d{1,2}))?)?")


def first_day(text: str) -> date | None:
    """The first day the text covers; None when it is no date."""
    found = _DATE.fullmatch(text.strip())
    if found is None:
        return None
    return _date(int(found[1]), int(found[2] or 1), int(found[3] or 1))


def last_day(text: str) -> date | None:
    """The last day the text covers; None when it is no date."""
    start = first_day(text)
    found = _DATE.fullmatch(text.strip())
    if start is None or found is None or found[3]:
        return start
    month = start.month if found[2] else 12
    return date(start.year, month, monthrange(start.year, month)[1])


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def slashed(day: date) -> str:
    """The day as NCBI prints it: 2026/09/01."""
    return f"{day.year:04}/{day.month:02}/{day.day:02}"
