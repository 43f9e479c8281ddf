"""One record of PubMed XML to an `Article`.

A record is a `PubmedArticle`, a `PubmedBookArticle`, or the `MedlineCitation` of older files. Each
part is visited once, and a table says who reads it: to look up one field after the other by its
path takes several times as long.
"""

from lxml import etree

from services.poller import books
from services.poller.eutils.xml import pmid_in
from services.poller.indexing import (
    read_accessions,
    read_chemicals,
    read_corrections,
    read_headings,
    trials,
)
from services.poller.parts import (
    COMMON,
    Fields,
    Reader,
    Unreadable,
    electronic,
    publication_type,
    published,
    read_parts,
)
from services.poller.people import read_authors
from services.poller.status import status_of
from services.poller.text import text_of
from shared.article import Article

_JOURNAL = {"Title": "title", "ISOAbbreviation": "abbreviation", "ISSN": "issn"}
_ISSUE = {"Volume": "volume", "Issue": "issue"}
_LISTED = ("publication_types", "keywords", "languages", "references")
"""Lists of which every entry counts once, and empty ones not at all."""


def read_record(record: etree._Element) -> Article:
    """Read one record.

    Raises:
        Unreadable: no PMID, or nothing that could be an article.
    """
    fields: Fields = {"title": "", "journal": {}}
    if record.tag in _RECORD:  # older files hold citations alone
        _RECORD[record.tag](record, fields)
    else:
        read_parts(record, _RECORD, fields)
    if "pmid" not in fields:
        raise Unreadable("no MedlineCitation and no BookDocument with a PMID in the record")
    _settle(fields)
    return Article.model_validate(fields)


def pmid_of(record: etree._Element) -> int | None:
    """The record's own PMID: never one of a reference or a comment."""
    for path in ("MedlineCitation/PMID", "BookDocument/PMID", "PMID"):
        if pmid := pmid_in(record.findtext(path)):
            return pmid
    return None


def _settle(fields: Fields) -> None:
    """What follows from several parts together."""
    if "other_abstracts" in fields:
        _other_abstracts(fields)
    if "_located" in fields and not fields.get("doi"):
        fields["doi"] = fields["_located"]
    for name in _LISTED:
        if name in fields:
            fields[name] = [one for one in dict.fromkeys(fields[name]) if one]
    if "references" in fields:
        fields["references"] = [one for one in fields["references"] if one != fields["pmid"]]
    said = [link["ref_type"] for link in fields["corrections"]] if "corrections" in fields else ()
    fields["status"] = status_of(fields["title"], fields.get("publication_types", ()), said)


def _other_abstracts(fields: Fields) -> None:
    if not fields.get("abstract"):
        fields["abstract"] = fields["other_abstracts"][0]["sections"]
    if not fields.get("copyright"):
        fields["copyright"] = fields["_other_copyright"]


def _citation(element: etree._Element, fields: Fields) -> None:
    read_parts(element, _CITATION, fields)
    if "_article" not in fields:
        raise Unreadable("no Article in the record")


def _article(element: etree._Element, fields: Fields) -> None:
    fields["_article"] = True
    read_parts(element, _ARTICLE, fields)


def _data(element: etree._Element, fields: Fields) -> None:
    read_parts(element, COMMON, fields)


def _journal(element: etree._Element, fields: Fields) -> None:
    for child in element:
        tag = child.tag
        if tag == "JournalIssue":
            _issue(child, fields)
        elif tag in _JOURNAL:
            fields["journal"][_JOURNAL[tag]] = text_of(child) or None


def _issue(element: etree._Element, fields: Fields) -> None:
    for child in element:
        if child.tag == "PubDate":
            published(child, fields)
        elif child.tag in _ISSUE:
            fields["journal"][_ISSUE[child.tag]] = text_of(child) or None


def _authors(element: etree._Element, fields: Fields) -> None:
    fields.setdefault("authors", []).extend(read_authors(element))


def _types(element: etree._Element, fields: Fields) -> None:
    for child in element:
        publication_type(child, fields)


def _accessions(element: etree._Element, fields: Fields) -> None:
    fields["accessions"] = read_accessions(element)
    fields["trial_ids"] = list(dict.fromkeys(trials(fields["accessions"])))


def _headings(element: etree._Element, fields: Fields) -> None:
    fields["mesh"] = read_headings(element)


def _chemicals(element: etree._Element, fields: Fields) -> None:
    fields["chemicals"] = read_chemicals(element)


def _corrections(element: etree._Element, fields: Fields) -> None:
    fields["corrections"] = read_corrections(element)


_RECORD: dict[str, Reader] = {
    "MedlineCitation": _citation,
    "PubmedData": _data,
    "BookDocument": books.document,
    "PubmedBookData": _data,
}

_CITATION: dict[str, Reader] = {
    **COMMON,
    "Article": _article,
    "MeshHeadingList": _headings,
    "ChemicalList": _chemicals,
    "CommentsCorrectionsList": _corrections,
}

_ARTICLE: dict[str, Reader] = {
    **COMMON,
    "Journal": _journal,
    "AuthorList": _authors,
    "PublicationTypeList": _types,
    "DataBankList": _accessions,
    "ArticleDate": electronic,
}
