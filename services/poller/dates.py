"""Dates as PubMed prints them, never more precise than it gives them."""

import re
from datetime import UTC, date, datetime
from typing import Any

from lxml import etree

from services.poller.text import texts_named

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

Parts = dict[str, str]
"""The elements of a date by their names, as printed."""

Fields = dict[str, Any]
"""The fields of a `PartialDate`."""


def date_parts(element: etree._Element) -> Parts:
    """What is inside a date: Year, Month, Day, Hour, Minute, Season, MedlineDate."""
    return texts_named(element, _PARTS)


def partial_date(parts: Parts) -> Fields:
    """A date as a `PartialDate`. No month is made of a season, no day of nothing."""
    if medline := parts.get("MedlineDate"):
        year = _LEADING_YEAR.match(medline)
        return {"year": int(year[0]) if year else None, "text": medline}
    year_text = parts.get("Year")
    if season := parts.get("Season"):
        return {"year": _number(year_text), "text": f"{year_text or ''} {season}".strip()}
    return _plain(year_text, parts.get("Month"), parts.get("Day"))


def _plain(year: str | None, month: str | None, day: str | None) -> Fields:
    if not month:
        return {"year": _number(year)}
    number = _month(month)
    if number is None:
        printed = " ".join(filter(None, (year, month, day)))
        return {"year": _number(year), "text": printed}
    return {"year": _number(year), "month": number, "day": _number(day, 31)}


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
    numbers = [parts.get(name, "0") for name in ("Year", "Month", "Day", "Hour", "Minute")]
    try:
        year, month, day, hour, minute = map(int, numbers)
        return datetime(year, month, day, hour % 24, minute, tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def whole_day(parts: Parts) -> date | None:
    """A date that is always given in full (`DateRevised`); None where it is none."""
    moment = instant(parts)
    return moment.date() if moment else None
