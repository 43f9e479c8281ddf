"""Dates as PubMed prints them, never more precise than it gives them."""

import re
from datetime import UTC, date, datetime

from lxml import etree

from services.poller.text import text_at
from shared.article import PartialDate

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_LEADING_YEAR = re.compile(r"(1[5-9]|20)\d\d(?!\d)")


def partial_date(element: etree._Element | None) -> PartialDate:
    """A `PubDate`. A season or `MedlineDate` is kept as printed, and no month is made of it."""
    if element is None:
        return PartialDate()
    if medline := text_at(element, "MedlineDate"):
        year = _LEADING_YEAR.match(medline)
        return PartialDate(year=int(year[0]) if year else None, text=medline)
    year_text = text_at(element, "Year")
    if season := text_at(element, "Season"):
        return PartialDate(year=_number(year_text), text=f"{year_text or ''} {season}".strip())
    return _plain(year_text, text_at(element, "Month"), text_at(element, "Day"))


def _plain(year: str | None, month: str | None, day: str | None) -> PartialDate:
    number = _month(month)
    if month and number is None:
        printed = " ".join(filter(None, (year, month, day)))
        return PartialDate(year=_number(year), text=printed)
    return PartialDate(
        year=_number(year), month=number, day=_number(day, 31) if number is not None else None
    )


def _month(text: str | None) -> int | None:
    if not text:
        return None
    return _MONTHS.get(text[:3].lower()) if text.isalpha() else _number(text, 12)


def _number(text: str | None, largest: int = 9999) -> int | None:
    # Python refuses to make a number of thousands of digits, and no date has more than four.
    if text is None or not text.isdecimal() or len(text) > 4:
        return None
    return int(text) if 1 <= int(text) <= largest else None


def history_date(history: etree._Element | None, status: str) -> datetime | None:
    """The `PubMedPubDate` with this status, as UTC; None where it is missing or no date.

    `entrez` is the day a record entered PubMed, what queries know as CRDT (NLM Technical
    Bulletin, Nov-Dec 2008). PubMed gives no time zone; hours off do not matter beside days.
    """
    if history is None:
        return None
    found = history.find(f"PubMedPubDate[@PubStatus='{status}']")
    if found is None:
        return None
    parts = [text_at(found, name) for name in ("Year", "Month", "Day", "Hour", "Minute")]
    try:
        year, month, day, hour, minute = (int(part or 0) for part in parts)
        return datetime(year, month, day, hour % 24, minute, tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def whole_day(element: etree._Element | None) -> date | None:
    """A date that is always given in full (`DateRevised`); None where it is missing or none."""
    found = partial_date(element)
    try:
        return date(found.year or 0, found.month or 0, found.day or 0)
    except ValueError:
        return None
