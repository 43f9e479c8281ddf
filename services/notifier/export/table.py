"""CSV (RFC 4180) for spreadsheets: UTF-8 with its mark in front, so that Excel reads the letters.

A text that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, "CSV
Injection"): titles come from strangers.
"""

import csv
import io

from services.notifier.archive.index import month
from services.notifier.export.parts import abstract, labels, one_line, partial, person, trials
from services.notifier.item import why_line
from services.notifier.project import Known
from services.notifier.render.words import pubmed

MARK = "\ufeff"
COLUMNS = (
    "pmid", "doi", "pmcid", "title", "authors", "journal", "published", "month", "found", "status",
    "preprint", "scope", "modality", "disease", "target", "evidence", "product", "trials",
    "publication_types", "why", "relatedness", "background", "url", "abstract",
)  # fmt: skip
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
_FACETS = ("modality", "disease", "target", "evidence", "product")


def head() -> str:
    """The mark and the names of the columns."""
    return MARK + _row(COLUMNS)


def record(known: Known) -> str:
    """One line."""
    return _row([_safe(cell) for cell in _cells(known)])


def _cells(known: Known) -> list[str]:
    entry, article = known.entry, known.entry.article
    by_facet = ["; ".join(labels(entry, facet)) for facet in _FACETS]
    return [
        str(article.pmid),
        one_line(article.doi),
        one_line(article.pmcid),
        one_line(article.title),
        "; ".join(filter(None, map(person, article.authors))),
        one_line(article.journal.title or article.journal.abbreviation),
        partial(article.published) or one_line(article.published.text),
        month(known),
        f"{known.discovered_at:%Y-%m-%d}",
        article.status.value,
        "yes" if article.is_preprint else "no",
        entry.classification.scope,
        *by_facet,
        "; ".join(trials(entry)),
        "; ".join(article.publication_types),
        why_line(entry.reasons),
        f"{entry.relatedness:.3f}",
        "yes" if known.backfill else "no",
        pubmed(article.pmid),
        one_line(abstract(article)),
    ]


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULAS) else cell


def _row(cells: list[str] | tuple[str, ...]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue()
