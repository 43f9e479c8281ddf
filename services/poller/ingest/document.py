"""A PubMed record as a query sees it."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date

from shared.article import Article, Author, PartialDate
from shared.pubmed_query.dates import first_day, last_day
from shared.pubmed_query.document import Days, Document
from shared.pubmed_query.languages import LANGUAGES


def document_of(article: Article) -> Document:
    """The article's fields. The words of other abstracts count as words of the abstract."""
    return Document(lambda key: _FIELDS[key](article) if key in _FIELDS else (), _days(article))


def loose_document(text: str, pmid: int | None) -> Document:
    """A record that was not understood: all its text in every field."""
    return Document(lambda key: [str(pmid)] if key == "uid" else [text], {}, loose=True)


def _abstracts(article: Article) -> Iterator[str]:
    for sections in (article.abstract, *(other.sections for other in article.other_abstracts)):
        yield " ".join(section.text for section in sections)


def _headings(article: Article, *, major_only: bool) -> Iterator[str]:
    for heading in article.mesh:
        if heading.major or not major_only:
            yield heading.name
            yield from (f"{heading.name}/{qualifier}" for qualifier in heading.qualifiers)


def _languages(article: Article) -> Iterator[str]:
    for code in article.languages:
        yield code
        yield LANGUAGES.get(code, "")


def _accessions(article: Article) -> Iterator[str]:
    yield from article.trial_ids
    for accession in article.accessions:
        yield accession.number
        yield f"{accession.bank}/{accession.number}"


def _names(authors: Iterable[Author]) -> Iterator[str]:
    for author in authors:
        last = author.last_name or ""
        yield f"{last} {author.initials or ''}"
        if author.fore_name:
            yield f"{last} {author.fore_name}"
            yield f"{author.fore_name} {last}"
        yield author.collective_name or ""


def _more(article: Article) -> Iterator[str]:
    yield "hasabstract" if article.abstract else ""
    yield article.vernacular_title or ""
    yield from (chemical.name for chemical in article.chemicals)
    yield from (place for author in article.authors for place in author.affiliations)


_FIELDS: dict[str, Callable[[Article], Iterable[str]]] = {
    "ti": lambda article: [article.title],
    "ab": _abstracts,
    "ot": lambda article: article.keywords,
    "mh": lambda article: _headings(article, major_only=False),
    "majr": lambda article: _headings(article, major_only=True),
    "pt": lambda article: article.publication_types,
    "la": _languages,
    "ta": lambda article: [
        article.journal.title,
        article.journal.abbreviation or "",
        article.journal.issn or "",
    ],
    "si": _accessions,
    "doi": lambda article: [article.doi or "", article.pmcid or ""],
    "au": lambda article: _names(article.authors),
    "uid": lambda article: [str(article.pmid)],
    "more": _more,
}


def _days(article: Article) -> dict[str, tuple[Days, ...]]:
    created = article.entered_at.date() if article.entered_at else None
    entered = next((one.date for one in article.history if one.status == "pubmed"), None)
    printed = filter(None, (article.published, article.electronic))
    return {
        "crdt": _day(created),
        "edat": _span(entered) or _day(created) if entered else _day(created),
        "pdat": tuple(span for one in printed for span in _span(one)),
        "mdat": _day(article.revised_on),
    }


def _day(day: date | None) -> tuple[Days, ...]:
    return ((day, day),) if day else ()


def _span(partial: PartialDate) -> tuple[Days, ...]:
    if partial.year is None:
        return ()
    parts = [f"{partial.year:04}"]
    if partial.month:
        parts += [str(partial.month)] + ([str(partial.day)] if partial.day else [])
    first, last = first_day("/".join(parts)), last_day("/".join(parts))
    return ((first, last),) if first and last else ()
