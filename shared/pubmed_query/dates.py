"""Dates as PubMed takes them: 2026, 2026/09, 2026/09/01 or 2026/09/01 06:30."""

import re
from calendar import monthrange
from datetime import date, time

_TIME = re.compile(r"(.*\S) ([01]?\d|2[0-3]):([0-5]\d)")
_DATE = re.compile(r"(\d{4})(?:[/.-](\d{1,2})(?:[/.-](\d{1,2}))?)?")


def split_time(text: str) -> tuple[str, time | None]:
    """The day and the minute of a date with a time of day; the whole text without one."""
    found = _TIME.fullmatch(text.strip())
    return (found[1], time(int(found[2]), int(found[3]))) if found else (text, None)


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
