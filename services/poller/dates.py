"""Dates as PubMed prints them, never more precise than it gives them."""

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from lxml import etree

from shared.article import PartialDate

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_LEADING_YEAR = re.compile(r"(1[5-9]|20)\d\d(?!\d)")

Parts = dict[Any, str | None]
"""The elements of a date by their names, as they stand."""


def date_parts(element: etree._Element) -> Parts:
    """What is inside a date: Year, Month, Day, Hour, Minute, Season, MedlineDate."""
    return {part.tag: part.text for part in element}


def partial_date(element: etree._Element) -> PartialDate:
    """A date as precise as it is printed. No month is made of a season, no day of nothing."""
    parts = date_parts(element)
    if "MedlineDate" in parts or "Season" in parts:
        return _printed_date(
            *(_line(parts.get(name)) for name in ("MedlineDate", "Year", "Season"))
        )
    return plain_date(parts.get("Year"), parts.get("Month"), parts.get("Day"))


def _printed_date(medline: str, year: str, season: str) -> PartialDate:
    if not medline:
        return PartialDate(year=_number(year), text=f"{year} {season}".strip())
    found = _LEADING_YEAR.match(medline)
    return PartialDate(year=int(found[0]) if found else None, text=medline)


@lru_cache(maxsize=16384)
def plain_date(year: str | None, month: str | None, day: str | None) -> PartialDate:
    """A date of year, month and day. The same ones come again and again, and can be shared."""
    year, month, day = _line(year), _line(month), _line(day)
    if not month:
        return PartialDate(year=_number(year))
    number = _month(month)
    if number is None:
        printed = " ".join(filter(None, (year, month, day)))
        return PartialDate(year=_number(year), text=printed)
    return PartialDate(year=_number(year), month=number, day=_number(day, 31))


def _line(text: str | None) -> str:
    return " ".join((text or "").split())


def _month(text: str) -> int | None:
    return _MONTHS.get(text[:3].lower()) if text.isalpha() else _number(text, 12)


def _number(text: str, largest: int = 9999) -> int | None:
    # Python refuses to make a number of thousands of digits, and no date has more than four.
    if len(text) > 4 or not text.isdecimal():
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


def whole_day(element: etree._Element) -> date | None:
    """A date that is always given in full (`DateRevised`); None where it is none."""
    parts = date_parts(element)
    return _day(parts.get("Year"), parts.get("Month"), parts.get("Day"))


@lru_cache(maxsize=4096)
def _day(year: str | None, month: str | None, day: str | None) -> date | None:
    moment = instant({"Year": year, "Month": month, "Day": day})
    return moment.date() if moment else None
