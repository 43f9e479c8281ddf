"""NBIB, PubMed's own MEDLINE format: a tag of four columns, long values go on behind six blanks.

Source: NLM, "MEDLINE/PubMed Data Element (Field) Descriptions"
(https://www.nlm.nih.gov/bsd/mms/medlineelements.html).
"""

import textwrap
from collections.abc import Iterator

from services.notifier.export.parts import abstract, one_line, trials
from services.notifier.item import MONTHS
from shared.article import Article, Author, MeshHeading, PartialDate
from shared.events import Classified

WIDTH = 82
"""Columns of a value's line, as PubMed breaks them."""

_NOTICES = {
    "RetractionIn": "RIN", "RetractionOf": "ROF", "PartialRetractionIn": "PRIN",
    "PartialRetractionOf": "PROF", "ExpressionOfConcernIn": "ECI", "ExpressionOfConcernFor": "ECF",
    "ErratumIn": "EIN", "ErratumFor": "EFR", "UpdateIn": "UIN", "UpdateOf": "UOF",
    "CorrectedandRepublishedIn": "CRI", "CorrectedandRepublishedFrom": "CRF",
    "RetractedandRepublishedIn": "RRI", "RetractedandRepublishedFrom": "RRF",
    "RepublishedIn": "RPI", "RepublishedFrom": "RPF", "CommentIn": "CIN", "CommentOn": "CON",
}  # fmt: skip
"""The tags of `CommentsCorrections`."""


def record(entry: Classified) -> str:
    """One record, with the empty line behind it."""
    lines = [line for tag, words in _fields(entry) if words for line in _lines(tag, words)]
    return "\n".join([*lines, "", ""])


def _lines(tag: str, words: str) -> list[str]:
    return textwrap.wrap(
        words,
        WIDTH + 6,
        initial_indent=f"{tag:<4}- ",
        subsequent_indent=" " * 6,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _fields(entry: Classified) -> Iterator[tuple[str, str]]:
    article, journal = entry.article, entry.article.journal
    yield "PMID", str(article.pmid)
    yield "IS", one_line(journal.issn)
    yield "VI", one_line(journal.volume)
    yield "IP", one_line(journal.issue)
    yield "DP", _date(article.published)
    yield "TI", one_line(article.title)
    yield "PG", one_line(journal.pages)
    yield "LID", f"{one_line(article.doi)} [doi]" if article.doi else ""
    yield "AB", one_line(abstract(article))
    yield "CI", one_line(article.copyright)
    for author in article.authors:
        yield from _author(author)
    yield from (("LA", one_line(language)) for language in article.languages)
    yield from (("SI", one_line(trial)) for trial in _trials(entry))
    yield from (("PT", one_line(kind)) for kind in article.publication_types)
    yield "DEP", _compact(article.electronic)
    yield "TA", one_line(journal.abbreviation or journal.title)
    yield "JT", one_line(journal.title)
    yield from _linked(article)
    yield from (("MH", _heading(heading)) for heading in article.mesh)
    yield from (("OT", one_line(word)) for word in article.keywords)
    yield "EDAT", f"{article.entered_at:%Y/%m/%d %H:%M}" if article.entered_at else ""
    yield "AID", f"{one_line(article.doi)} [doi]" if article.doi else ""
    yield "PMC", one_line(article.pmcid)
    yield "SO", _source(article)


def _author(author: Author) -> Iterator[tuple[str, str]]:
    if author.collective_name:
        yield "CN", one_line(author.collective_name)
        return
    last = one_line(author.last_name)
    yield "FAU", ", ".join(filter(None, (last, one_line(author.fore_name or author.initials))))
    yield "AU", " ".join(filter(None, (last, one_line(author.initials))))
    yield "AUID", f"ORCID: {one_line(author.orcid)}" if author.orcid else ""
    yield from (("AD", one_line(place)) for place in author.affiliations)


def _trials(entry: Classified) -> list[str]:
    named = [f"{one.bank}/{one.number}" for one in entry.article.accessions]
    held = {one.number for one in entry.article.accessions}
    rest = [trial for trial in trials(entry) if trial not in held]
    return [*named, *(_register(trial) for trial in rest)]


def _register(trial: str) -> str:
    return f"ClinicalTrials.gov/{trial}" if trial.startswith("NCT") else trial


def _linked(article: Article) -> Iterator[tuple[str, str]]:
    for one in article.corrections:
        tag = _NOTICES.get(one.ref_type)
        if tag:
            number = f"PMID: {one.pmid}" if one.pmid else ""
            yield tag, ". ".join(filter(None, (one_line(one.source).rstrip("."), number)))


def _heading(heading: MeshHeading) -> str:
    """As in "Lupus Erythematosus, Systemic/*therapy"; a star marks what is a major topic."""
    own = heading.major and not heading.major_qualifiers
    parts = [("*" if own else "") + heading.name]
    parts += [("*" if one in heading.major_qualifiers else "") + one for one in heading.qualifiers]
    return one_line("/".join(parts))


def _date(date: PartialDate) -> str:
    if date.text:
        return one_line(date.text)
    if not date.year:
        return ""
    month = MONTHS[date.month - 1] if date.month and 1 <= date.month <= 12 else ""
    day = str(date.day) if month and date.day else ""
    return " ".join(filter(None, (f"{date.year:04d}", month, day)))


def _compact(date: PartialDate | None) -> str:
    if date is None or not (date.year and date.month and date.day):
        return ""
    return f"{date.year:04d}{date.month:02d}{date.day:02d}"


def _source(article: Article) -> str:
    journal = article.journal
    name = one_line(journal.abbreviation or journal.title)
    issue = f"({journal.issue})" if journal.issue else ""
    pages = f":{journal.pages}" if journal.pages else ""
    place = one_line(f"{journal.volume or ''}{issue}{pages}")
    when = ";".join(filter(None, (_date(article.published), place)))
    doi = f"doi: {one_line(article.doi)}" if article.doi else ""
    parts = [part.rstrip(".") for part in (name, when, doi) if part]
    return ". ".join(parts) + "." if parts else ""
