"""RIS, as EndNote, Zotero and Mendeley read it: one tag a line, `ER` at the end of each record.

Source: the RIS format specification of Research Information Systems (2011), as archived at
https://web.archive.org/web/20120526103719/http://refman.com/support/risformat_intro.asp
"""

from collections.abc import Iterator

from services.notifier.export.parts import (
    abstract,
    first_and_last,
    labels,
    notes,
    one_line,
    partial,
    person,
    trials,
    why,
    year,
)
from services.notifier.render.words import doi_url, pubmed
from shared.events import Classified

END = "\r\n"


def record(entry: Classified) -> str:
    """One record, with the empty line behind it."""
    lines = [f"{tag}  - {words}" for tag, words in _fields(entry) if words]
    return END.join(["TY  - JOUR", *lines, "ER  - ", "", ""])


def _fields(entry: Classified) -> Iterator[tuple[str, str]]:
    article = entry.article
    yield "TI", one_line(article.title)
    yield from (("AU", person(author)) for author in article.authors)
    yield "T2", one_line(article.journal.title or article.journal.abbreviation)
    yield "J2", one_line(article.journal.abbreviation)
    yield "PY", str(year(article) or "")
    yield "DA", _date(entry)
    yield "VL", one_line(article.journal.volume)
    yield "IS", one_line(article.journal.issue)
    yield from zip(("SP", "EP"), first_and_last(article.journal.pages), strict=True)
    yield "SN", one_line(article.journal.issn)
    yield "AB", one_line(abstract(article))
    yield from (("KW", word) for word in dict.fromkeys((*labels(entry), *_keywords(entry))))
    yield "DO", one_line(article.doi)
    yield "AN", str(article.pmid)
    yield "C2", one_line(article.pmcid)
    yield "LA", one_line(", ".join(article.languages))
    yield "M3", "Preprint" if article.is_preprint else ""
    yield "DB", "PubMed"
    yield from (("N1", note) for note in notes(entry))
    yield "N1", why(entry)
    yield from (("N1", f"Trial {one_line(trial)}") for trial in trials(entry))
    yield "UR", pubmed(article.pmid)
    yield "L2", doi_url(article.doi) if article.doi else ""


def _keywords(entry: Classified) -> Iterator[str]:
    yield from map(one_line, entry.article.keywords)
    yield from (one_line(heading.name) for heading in entry.article.mesh)


def _date(entry: Classified) -> str:
    """YYYY/MM/DD/ and other words; parts that are not known are left empty, the slashes stay."""
    date = entry.article.published
    if not date.year:
        return ""
    known = partial(date, "/").split("/")
    return "/".join([*known, *[""] * (3 - len(known)), one_line(date.text)])
