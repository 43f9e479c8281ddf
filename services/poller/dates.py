"""Dates as PubMed prints them, never more precise than it gives them."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache

from lxml import etree

from services.poller.text import texts_named, words_of
from shared.article import HistoryDate, PartialDate

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_LEADING_YEAR = re.compile(r"(1[5-9]|20)\d\d(?!\d)")
_PARTS = {
    name: name for name in ("Year", "Month", "Day", "Hour", "Minute", "Season", "MedlineDate")
}
_IN_FULL = ("Year", "Month", "Day", "Hour", "Minute", "Second")

Parts = Mapping[str, str | None]
"""The elements of a date by their names, as printed."""


def date_parts(element: etree._Element) -> Parts:
    """What is inside a date: Year, Month, Day, Hour, Minute, Season, MedlineDate."""
    return texts_named(element, _PARTS)


def step_parts(element: etree._Element) -> Parts:
    """What is inside a date that is given in full, in the order of the DTD, as a step is."""
    words = words_of(element)
    if len(words) == len(element):  # as many words as elements: no need to look at each of them
        return dict(zip(_IN_FULL, words, strict=False))
    return date_parts(element)


def partial_date(parts: Parts) -> PartialDate:
    """A date as precise as it is printed. No month is made of a season, no day of nothing."""
    if medline := parts.get("MedlineDate"):
        year = _LEADING_YEAR.match(medline)
        return PartialDate(year=int(year[0]) if year else None, text=medline)
    year_text = parts.get("Year")
    if season := parts.get("Season"):
        return PartialDate(year=_number(year_text), text=f"{year_text or ''} {season}".strip())
    return plain_date(year_text, parts.get("Month"), parts.get("Day"))


@lru_cache(maxsize=4096)
def plain_date(year: str | None, month: str | None, day: str | None) -> PartialDate:
    """A date of numbers and month names. The same days come again and again in a file."""
    if not month:
        return PartialDate(year=_number(year))
    number = _month(month)
    if number is None:
        printed = " ".join(filter(None, (year, month, day)))
        return PartialDate(year=_number(year), text=printed)
    return PartialDate(year=_number(year), month=number, day=_number(day, 31))


@lru_cache(maxsize=16384)
def history_date(status: str, day: PartialDate) -> HistoryDate:
    """A step of a record's history."""
    return HistoryDate(status=status, date=day)


def _month(text: str) -> int | None:
    return _MONTHS.get(text[:3].lower()) if text.isalpha() else _number(text, 12)


def _number(text: str | None, largest: int = 9999) -> int | None:
    # Python refuses to make a number of thousands of digits, and no date has more than four.
    if text is None or len(text) > 4 or not text.isdecimal():
        return None
    return number if 1 <= (number := int(text)) <= largest else None


def instant(parts: Parts) -> datetime | None:
    """A `PubMedPubDate` with its time, as UTC; None where it is no date.

    PubMed gives no time zone; hours off do not matter beside days.
    """
    numbers = [parts.get(name) or "0" for name in ("Year", "Month", "Day", "Hour", "Minute")]
    try:
        year, month, day, hour, minute = map(int, numbers)
        return datetime(year, month, day, hour % 24, minute, tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def whole_day(parts: Parts) -> date | None:
    """A date that is always given in full (`DateRevised`); None where it is none."""
    moment = instant(parts)
    return moment.date() if moment else None
