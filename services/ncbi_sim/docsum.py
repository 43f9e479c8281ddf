"""A record's document summary: the fields of esummary version 2.0, in NCBI's order.

The JSON names are the element names of the XML in lower case.
"""

from typing import Any

from services.ncbi_sim.article import Author
from services.ncbi_sim.index import words_of
from services.ncbi_sim.pubmed_xml import article_ids, history_of, publication_status
from services.ncbi_sim.record import Record, publication_date
from shared.pubmed_query.dates import slashed

_ID_TYPES = {"pubmed": 1, "doi": 3, "pmc": 8}
_PUB_STATUS = {"ppublish": "4", "epublish": "3"}
_REF_TYPES = {
    "RetractionIn": "Retraction in",
    "RetractionOf": "Retraction of",
    "ErratumIn": "Erratum in",
    "ErratumFor": "Erratum for",
    "ExpressionOfConcernIn": "Expression of concern in",
    "ExpressionOfConcernFor": "Expression of concern for",
    "UpdateIn": "Update in",
    "UpdateOf": "Update of",
}
# What only books have.
_BOOK = (
    *("BookTitle", "Medium", "Edition", "PublisherLocation", "PublisherName", "SrcDate"),
    *("ReportNumber", "AvailableFromURL", "LocationLabel", "DocContribList", "DocDate"),
    *("BookName", "Chapter"),
)


def summary(record: Record) -> dict[str, Any]:
    """The summary as element names and values; lists hold the values of repeated children."""
    article = record.article
    names = [author.name for author in article.authors]
    published = f"{slashed(article.published_on)} 00:00"
    return {
        "PubDate": publication_date(article),
        "EPubDate": "",
        "Source": article.journal_abbreviation or article.journal,
        "Authors": [_author(author) for author in article.authors],
        "LastAuthor": names[-1] if names else "",
        "Title": article.title,
        "SortTitle": " ".join(words_of(article.title)),
        "Volume": article.volume or "",
        "Issue": article.issue or "",
        "Pages": article.pages or "",
        "Lang": [article.language],
        "NlmUniqueID": "",
        "ISSN": "",
        "ESSN": "",
        "PubType": list(record.publication_types),
        "RecordStatus": _record_status(record),
        "PubStatus": _PUB_STATUS[publication_status(article)],
        "ArticleIds": [_article_id(kind, value) for kind, value in article_ids(article)],
        "History": [
            {"PubStatus": status, "Date": f"{slashed(day)} 00:00"}
            for status, day in history_of(record)
        ],
        "References": _references(record),
        "Attributes": ["Has Abstract"] if article.summary else [],
        "PmcRefCount": "",
        "FullJournalName": article.journal,
        "ELocationID": f"doi: {article.doi}" if article.doi else "",
        "DocType": "citation",
        "SrcContribList": [],
        **{name: [] if name.endswith("List") else "" for name in _BOOK},
        "SortPubDate": published,
        "SortFirstAuthor": names[0] if names else "",
        "VernacularTitle": "",
    }


def _author(author: Author) -> dict[str, str]:
    kind = "CollectiveName" if author.collective else "Author"
    return {"Name": author.name, "AuthType": kind, "ClusterID": ""}


def _record_status(record: Record) -> str:
    if record.article.mesh:
        return "PubMed - indexed for MEDLINE"
    return "PubMed - as supplied by publisher"


def _article_id(kind: str, value: str) -> dict[str, Any]:
    return {"IdType": kind, "IdTypeN": _ID_TYPES[kind], "Value": value}


def _references(record: Record) -> list[dict[str, Any]]:
    return [
        {
            "RefSource": correction.source,
            "RefType": _REF_TYPES[correction.ref_type],
            "PMID": correction.pmid,
            "Note": "",
        }
        for correction in record.corrections
    ]
