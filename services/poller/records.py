"""One record of PubMed XML to an `Article`.

A record is a `PubmedArticle`, a `PubmedBookArticle`, or the `MedlineCitation` of older files.
"""

import re
from collections.abc import Iterator

from lxml import etree

from services.poller.dates import history_date, partial_date, whole_day
from services.poller.eutils.xml import pmid_in
from services.poller.status import status_of
from services.poller.text import html_of, text_at, text_of
from shared.article import AbstractSection, Article, Author, Correction, Journal, MeshHeading
from shared.errors import Permanent

_ORCID = re.compile(r"\d{4}-?\d{4}-?\d{4}-?\d{3}[\dX]", re.IGNORECASE)
_REGISTRIES = frozenset(
    name.lower()
    for name in (
        "ClinicalTrials.gov", "ISRCTN", "EudraCT", "ANZCTR", "ChiCTR", "CRiS", "CTRI", "DRKS",
        "IRCT", "JapicCTI", "JMACCT", "JPRN", "jRCT", "KCT", "NTR", "PACTR", "ReBec", "REPEC",
        "RPCEC", "SLCTR", "TCTR", "UMIN CTR",
    )
)  # fmt: skip
"""The trial registers among PubMed's data banks; the others hold sequences and data sets."""


class Unreadable(Permanent):
    """A record that cannot be understood. It is parked with its bytes."""


def read_record(record: etree._Element) -> Article:
    """Read one record.

    Raises:
        Unreadable: no PMID, or nothing that could be an article.
    """
    if record.tag == "PubmedBookArticle":
        return _book(record)
    citation = record if record.tag == "MedlineCitation" else record.find("MedlineCitation")
    if citation is None:
        raise Unreadable("no MedlineCitation in the record")
    return _journal_article(citation, record.find("PubmedData"))


def pmid_of(record: etree._Element) -> int | None:
    """The record's own PMID: never one of a reference or a comment."""
    for path in ("MedlineCitation/PMID", "BookDocument/PMID", "PMID"):
        if pmid := pmid_in(record.findtext(path)):
            return pmid
    return None


def _journal_article(citation: etree._Element, data: etree._Element | None) -> Article:
    article = citation.find("Article")
    if article is None:
        raise Unreadable("no Article in the record")
    title = text_of(article.find("ArticleTitle"))
    types = tuple(_texts(article, "PublicationTypeList/PublicationType"))
    corrections = tuple(_corrections(citation))
    pmid, version = _pmid(citation)
    return Article(
        pmid=pmid,
        version=version,
        title=title,
        title_html=html_of(article.find("ArticleTitle")),
        vernacular_title=text_at(article, "VernacularTitle"),
        abstract=_abstract(article, citation),
        doi=_own_id(data, "doi") or _location(article, "doi"),
        pmcid=_own_id(data, "pmc"),
        journal=_journal(article),
        published=partial_date(article.find("Journal/JournalIssue/PubDate")),
        entered_at=history_date(None if data is None else data.find("History"), "entrez"),
        revised_on=whole_day(citation.find("DateRevised")),
        authors=tuple(_authors(article.find("AuthorList"))),
        publication_types=types,
        mesh=tuple(_mesh(citation)),
        keywords=_unique(_texts(citation, "KeywordList/Keyword")),
        languages=_unique(_texts(article, "Language")),
        trial_ids=_unique(_trials(article)),
        corrections=corrections,
        copyright=text_at(article, "Abstract/CopyrightInformation")
        or text_at(citation, "OtherAbstract/CopyrightInformation"),
        status=status_of(title, types, corrections),
    )


def _book(record: etree._Element) -> Article:
    document = record.find("BookDocument")
    if document is None:
        raise Unreadable("no BookDocument in the record")
    book_title = document.find("Book/BookTitle")
    title = document.find("ArticleTitle")
    title = title if title is not None and text_of(title) else book_title
    pmid, version = _pmid(document)
    return Article(
        pmid=pmid,
        version=version,
        title=text_of(title),
        title_html=html_of(title),
        vernacular_title=text_at(document, "VernacularTitle"),
        abstract=_abstract(document, document),
        doi=_own_id(record.find("PubmedBookData"), "doi")
        or _own_id(document, "doi")
        or _location(document, "doi"),
        journal=Journal(title=text_of(book_title), pages=_pages(document)),
        published=partial_date(document.find("Book/PubDate")),
        entered_at=history_date(record.find("PubmedBookData/History"), "entrez"),
        revised_on=whole_day(document.find("DateRevised")),
        authors=tuple(_authors(_book_authors(document))),
        publication_types=tuple(_texts(document, "PublicationType")),
        keywords=_unique(_texts(document, "KeywordList/Keyword")),
        languages=_unique(_texts(document, "Language")),
        copyright=text_at(document, "Abstract/CopyrightInformation"),
    )


def _book_authors(document: etree._Element) -> etree._Element | None:
    """Those of the chapter; for a book as a whole its own, which may be editors."""
    for path in ("AuthorList[@Type='authors']", "AuthorList", "Book/AuthorList"):
        if (authors := document.find(path)) is not None:
            return authors
    return None


def _pmid(parent: etree._Element) -> tuple[int, int]:
    element = parent.find("PMID")
    text = text_of(element)
    pmid = pmid_in(text)
    if element is None or pmid is None:
        raise Unreadable(f"PMID is {text[:40]!r}, not a number")
    return pmid, pmid_in(element.get("Version")) or 1


def _texts(parent: etree._Element, path: str) -> Iterator[str]:
    return (text for element in parent.iterfind(path) if (text := text_of(element)))


def _unique(texts: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _abstract(parent: etree._Element, other: etree._Element) -> tuple[AbstractSection, ...]:
    """The abstract, or the first other one (a translation, a summary for lay people)."""
    for element in (parent.find("Abstract"), *other.iterfind("OtherAbstract")):
        if element is not None and (sections := tuple(_sections(element))):
            return sections
    return ()


def _sections(abstract: etree._Element) -> Iterator[AbstractSection]:
    for element in abstract.iterfind("AbstractText"):
        if text := text_of(element):
            yield AbstractSection(text=text, label=element.get("Label") or None)


def _own_id(parent: etree._Element | None, kind: str) -> str | None:
    # Direct children only: reference lists hold `ArticleIdList`s of other articles.
    return None if parent is None else text_at(parent, f"ArticleIdList/ArticleId[@IdType='{kind}']")


def _location(article: etree._Element, kind: str) -> str | None:
    for element in article.iterfind(f"ELocationID[@EIdType='{kind}']"):
        if element.get("ValidYN") != "N" and (text := text_of(element)):
            return text
    return None


def _journal(article: etree._Element) -> Journal:
    return Journal(
        title=text_at(article, "Journal/Title") or "",
        abbreviation=text_at(article, "Journal/ISOAbbreviation"),
        issn=text_at(article, "Journal/ISSN"),
        volume=text_at(article, "Journal/JournalIssue/Volume"),
        issue=text_at(article, "Journal/JournalIssue/Issue"),
        pages=_pages(article),
    )


def _pages(parent: etree._Element) -> str | None:
    return text_at(parent, "Pagination/MedlinePgn", "Pagination/StartPage")


def _authors(authors: etree._Element | None) -> Iterator[Author]:
    """Authors in order. `ValidYN="N"` marks a wrong spelling that was corrected beside it."""
    for element in () if authors is None else authors.iterfind("Author"):
        if element.get("ValidYN") == "N":
            continue
        author = Author(
            last_name=text_at(element, "LastName"),
            fore_name=text_at(element, "ForeName"),
            initials=text_at(element, "Initials"),
            collective_name=text_at(element, "CollectiveName"),
            orcid=_orcid(element),
        )
        if author != Author():
            yield author


def _orcid(author: etree._Element) -> str | None:
    found = _ORCID.search(text_at(author, "Identifier[@Source='ORCID']") or "")
    if found is None:
        return None
    digits = found[0].replace("-", "").upper()
    return "-".join(digits[start : start + 4] for start in range(0, 16, 4))


def _mesh(citation: etree._Element) -> Iterator[MeshHeading]:
    for heading in citation.iterfind("MeshHeadingList/MeshHeading"):
        descriptor = heading.find("DescriptorName")
        if descriptor is not None and (name := text_of(descriptor)):
            yield MeshHeading(
                name=name,
                ui=descriptor.get("UI"),
                major=any(part.get("MajorTopicYN") == "Y" for part in heading),
                qualifiers=tuple(_texts(heading, "QualifierName")),
            )


def _trials(article: etree._Element) -> Iterator[str]:
    for bank in article.iterfind("DataBankList/DataBank"):
        registry = (text_at(bank, "DataBankName") or "").lower() in _REGISTRIES
        for number in _texts(bank, "AccessionNumberList/AccessionNumber"):
            if registry or number.upper().startswith("NCT"):
                yield number


def _corrections(citation: etree._Element) -> Iterator[Correction]:
    for element in citation.iterfind("CommentsCorrectionsList/CommentsCorrections"):
        yield Correction(
            ref_type=element.get("RefType", ""),
            pmid=pmid_in(element.findtext("PMID")),
            source=text_at(element, "RefSource"),
        )
