"""A recorded article as an entry of a catalogue of the NCBI stand-in."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from services.ncbi_sim.vocabulary import LANGUAGES, MONTHS, PUBLICATION_TYPES, QUALIFIERS
from shared.article import Article, Author, PartialDate

_INLINE = re.compile(r"</?(?:b|i|sub|sup|u)>")
_TRIAL = re.compile(r"NCT\d{8}")
_DOI = re.compile(r"10\.\d{4,}/\S+")
_PMCID = re.compile(r"PMC\d+")
_DESCRIPTOR = re.compile(r"D\d+")


def entry_of(article: Article, day_zero: date) -> dict[str, Any]:
    """What a search, a summary and a date window need of the article; efetch sends its bytes.

    What the stand-in has no word for (a rare language, a publication type) is left out here.
    """
    created = article.entered_at
    published = _published(article.published)
    year = article.published.year or (article.electronic and article.electronic.year)
    entry = {
        "pmid": article.pmid,
        "version": article.version,
        "title": _INLINE.sub("", article.title) or "[Not available].",
        "journal": article.journal.title or article.journal.abbreviation or "[Not available]",
        "journal_abbreviation": article.journal.abbreviation,
        "year": year or (created or datetime.combine(day_zero, datetime.min.time())).year,
        "entered_day": ((created.date() if created else day_zero) - day_zero).days,
        "entered_time": f"{created:%H:%M}" if created else None,
        "entry_date": _entry_date(article),
        "doi": _matching(_DOI, article.doi),
        "pmcid": _matching(_PMCID, article.pmcid),
        "volume": article.journal.volume,
        "issue": article.journal.issue,
        "pages": article.journal.pages,
        "language": next((one for one in article.languages if one in LANGUAGES), "und"),
        "authors": [_author(a) for a in article.authors if a.last_name or a.collective_name],
        "publication_types": [t for t in article.publication_types if t in PUBLICATION_TYPES],
        "mesh": list(_mesh(article)),
        "keywords": list(article.keywords),
        "trials": [trial for trial in article.trial_ids if _TRIAL.fullmatch(trial)],
        "summary": [section.text for section in article.abstract],
    } | published
    return {name: value for name, value in entry.items() if value not in (None, "", [])}


def _matching(pattern: re.Pattern[str], text: str | None) -> str | None:
    return text if text and pattern.fullmatch(text) else None


def _published(published: PartialDate) -> dict[str, Any]:
    if published.text:
        return {"medline_date": published.text}
    if published.month is None:
        return {}
    found: dict[str, Any] = {"month": MONTHS[published.month - 1]}
    if published.day is None or published.year is None:
        return found
    try:
        date(published.year, published.month, published.day)
    except ValueError:  # a 30th of February is in the record, and stays there
        return found
    return {**found, "day": published.day}


def _entry_date(article: Article) -> str | None:
    """EDAT: what the history calls `pubmed`."""
    for step in article.history:
        if step.status == "pubmed" and step.date.year and step.date.month and step.date.day:
            return date(step.date.year, step.date.month, step.date.day).isoformat()
    return None


def _author(author: Author) -> dict[str, str]:
    if author.last_name is None:
        return {"collective": author.collective_name or ""}
    given = {"last": author.last_name, "fore": author.fore_name, "initials": author.initials}
    return {name: value for name, value in given.items() if value}


def _mesh(article: Article) -> Iterator[dict[str, Any]]:
    for heading in article.mesh:
        if heading.ui and _DESCRIPTOR.fullmatch(heading.ui):
            known = [name for name in heading.qualifiers if name in QUALIFIERS]
            yield {
                "ui": heading.ui,
                "name": heading.name,
                "major": heading.major,
                "qualifiers": known,
            }
