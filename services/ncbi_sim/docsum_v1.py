"""A record's document summary in version 1.0: Items with a Name and a Type."""

from typing import Any

from lxml import etree

from services.ncbi_sim.answers import add
from services.ncbi_sim.docsum import summary
from services.ncbi_sim.pubmed_xml import publication_status
from services.ncbi_sim.record import Record, place
from services.ncbi_sim.vocabulary import LANGUAGES


def doc_sum(record: Record) -> etree._Element:
    """The DocSum element of a record."""
    content = summary(record)
    root = etree.Element("DocSum")
    add(root, "Id", record.pmid)
    for name, kind in (("PubDate", "Date"), ("EPubDate", "Date"), ("Source", "String")):
        _item(root, name, kind, content[name])
    _list(root, "AuthorList", "Author", [author["Name"] for author in content["Authors"]])
    for name in ("LastAuthor", "Title", "Volume", "Issue", "Pages"):
        _item(root, name, "String", content[name])
    _list(root, "LangList", "Lang", [LANGUAGES[code].title() for code in content["Lang"]])
    for name in ("NlmUniqueID", "ISSN", "ESSN"):
        _item(root, name, "String", content[name])
    _list(root, "PubTypeList", "PubType", content["PubType"])
    _item(root, "RecordStatus", "String", content["RecordStatus"])
    _item(root, "PubStatus", "String", publication_status(record.article))
    ids = _item(root, "ArticleIds", "List")
    for entry in content["ArticleIds"]:
        _item(ids, entry["IdType"], "String", entry["Value"])
    history = _item(root, "History", "List")
    for entry in content["History"]:
        _item(history, entry["PubStatus"], "Date", entry["Date"])
    _end(root, record, content)
    return root


def _end(root: etree._Element, record: Record, content: dict[str, Any]) -> None:
    references = _item(root, "References", "List")
    for entry in content["References"]:
        _item(references, "Reference", "String", f"{entry['RefType']}: {entry['RefSource']}")
    _item(root, "HasAbstract", "Integer", len(content["Attributes"]))
    _item(root, "PmcRefCount", "Integer", 0)
    _item(root, "FullJournalName", "String", content["FullJournalName"])
    _item(root, "ELocationID", "String", content["ELocationID"])
    _item(root, "SO", "String", place(record.article))


def _list(root: etree._Element, name: str, item: str, values: list[str]) -> None:
    parent = _item(root, name, "List")
    for value in values:
        _item(parent, item, "String", value)


def _item(parent: etree._Element, name: str, kind: str, value: object = "") -> etree._Element:
    return add(parent, "Item", value, Name=name, Type=kind)
