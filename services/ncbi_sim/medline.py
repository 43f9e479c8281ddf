"""A record in the MEDLINE text format.

See https://pubmed.ncbi.nlm.nih.gov/help/#pubmed-format
"""

import textwrap
from collections.abc import Iterator

from services.ncbi_sim.markup import plain
from services.ncbi_sim.record import Record, citation, publication_date
from shared.pubmed_query.dates import slashed

_CORRECTIONS = {
    "RetractionIn": "RIN",
    "RetractionOf": "ROF",
    "ErratumIn": "EIN",
    "ErratumFor": "EFR",
    "ExpressionOfConcernIn": "ECI",
    "ExpressionOfConcernFor": "ECF",
    "UpdateIn": "UIN",
    "UpdateOf": "UOF",
}


def medline(record: Record) -> str:
    """The record as tagged lines, one empty line before it."""
    return "\n" + "".join(_line(tag, text) for tag, text in _fields(record) if text)


def _line(tag: str, text: str) -> str:
    wrapped = textwrap.fill(text, width=88, initial_indent=f"{tag:<4}- ", subsequent_indent=" " * 6)
    return f"{wrapped}\n"


def _fields(record: Record) -> Iterator[tuple[str, str]]:
    article = record.article
    yield "PMID", str(article.pmid)
    yield "OWN", "NLM"
    yield "STAT", "MEDLINE" if article.mesh else "Publisher"
    yield "LR", f"{record.revised_on:%Y%m%d}"
    yield "VI", article.volume or ""
    yield "IP", article.issue or ""
    yield "DP", publication_date(article)
    yield "TI", plain(article.title)
    yield "PG", article.pages or ""
    yield "LID", f"{article.doi} [doi]" if article.doi else ""
    yield "AB", " ".join(article.summary)
    yield "CI", record.notice if article.summary else ""
    for author in article.authors:
        yield "CN" if author.collective else "AU", author.name
    yield "LA", article.language
    yield "SI", ", ".join(f"ClinicalTrials.gov/{trial}" for trial in article.trials)
    for name in record.publication_types:
        yield "PT", name
    yield "TA", article.journal_abbreviation or article.journal
    yield "JT", article.journal
    for correction in record.corrections:
        yield _CORRECTIONS[correction.ref_type], f"{correction.source} PMID: {correction.pmid}"
    for heading in article.mesh:
        star = "*" if heading.major else ""
        yield "MH", "/".join([f"{star}{heading.name}", *heading.qualifiers])
    for keyword in article.keywords:
        yield "OT", keyword
    yield "EDAT", f"{slashed(record.entered_on)} 00:00"
    yield "CRDT", f"{slashed(record.created_on)} 00:00"
    yield "AID", f"{article.doi} [doi]" if article.doi else ""
    yield "SO", citation(article)
