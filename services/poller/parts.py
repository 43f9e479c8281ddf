"""Parts that articles and books have in common, each read into the fields of an `Article`."""

from collections.abc import Callable, Mapping
from typing import Any

from lxml import etree

from services.poller.dates import instant, partial_date, plain_date, whole_day
from services.poller.eutils.xml import pmid_in
from services.poller.indexing import read_grants, read_references
from services.poller.text import html_of, text_of, texts_named
from shared.errors import Permanent

Fields = dict[str, Any]
"""What was read so far, by the names of `Article`; names with `_` are for those who finish it."""

Reader = Callable[[etree._Element, Fields], None]
"""Reads one part of a record into the fields."""

_PAGES = {"MedlinePgn": "pages", "StartPage": "start", "EndPage": "end"}
_IDS = {"doi": "doi", "pmc": "pmcid"}


class Unreadable(Permanent):
    """A record that cannot be understood. It is parked with its bytes."""


def read_parts(parent: etree._Element, readers: Mapping[str, Reader], fields: Fields) -> None:
    """Hand each child to the reader of its tag; nobody reads the others."""
    for child in parent:
        reader = readers.get(child.tag)
        if reader is not None:
            reader(child, fields)


def pmid(element: etree._Element, fields: Fields) -> None:
    """The record's number and version."""
    text = text_of(element)
    number = pmid_in(text)
    if number is None:
        raise Unreadable(f"PMID is {text[:40]!r}, not a number")
    fields["pmid"], fields["version"] = number, pmid_in(element.get("Version")) or 1


def title(element: etree._Element, fields: Fields) -> None:
    """Its text, and its markup if there is any."""
    fields["title"], fields["title_html"] = text_of(element), html_of(element)


def vernacular_title(element: etree._Element, fields: Fields) -> None:
    """The title in the language of the article."""
    fields["vernacular_title"] = text_of(element) or None


def pagination(element: etree._Element, fields: Fields) -> None:
    """As cited where that is given (`12-7`), or from the first page to the last."""
    found = texts_named(element, _PAGES)
    spread = "-".join(found[end] for end in ("start", "end") if end in found)
    fields["journal"]["pages"] = found.get("pages") or spread or None


def abstract(element: etree._Element, fields: Fields) -> None:
    """The sections of the main abstract, and whose they are."""
    fields["abstract"], fields["copyright"] = _sections(element)


def other_abstract(element: etree._Element, fields: Fields) -> None:
    """One of the abstracts beside the main one. The DTD takes `eng` where no language is said."""
    sections, owner = _sections(element)
    fields.setdefault("_other_copyright", owner)
    if sections:
        language, kind = element.get("Language", "eng"), element.get("Type")
        other = {"language": language, "kind": kind, "sections": sections}
        fields.setdefault("other_abstracts", []).append(other)


def _sections(element: etree._Element) -> tuple[list[dict[str, str | None]], str | None]:
    sections, owner = [], None
    for child in element:
        tag, text = child.tag, text_of(child)
        if tag == "AbstractText" and text:
            sections.append({"text": text, "label": child.get("Label") or None})
        elif tag == "CopyrightInformation":
            owner = owner or text or None
    return sections, owner


def own_ids(element: etree._Element, fields: Fields) -> None:
    """An `ArticleIdList` of the record itself: those of other articles are in reference lists."""
    for child in element:
        name = _IDS.get(child.get("IdType", "pubmed"))
        if name is not None and not fields.get(name):
            fields[name] = text_of(child) or None


def location(element: etree._Element, fields: Fields) -> None:
    """The DOI of an `ELocationID`, for records whose list of ids has none."""
    if element.get("EIdType") == "doi" and element.get("ValidYN") != "N":
        fields["_located"] = fields.get("_located") or text_of(element) or None


def history(element: etree._Element, fields: Fields) -> None:
    """Every step with its day; `entrez` is the day a record entered PubMed, CRDT in queries.

    (NLM Technical Bulletin, Nov-Dec 2008.)
    """
    steps = fields.setdefault("history", [])
    for child in element:
        status, parts = child.get("PubStatus", ""), {part.tag: part.text for part in child}
        day = plain_date(parts.get("Year"), parts.get("Month"), parts.get("Day"))
        steps.append({"status": status, "date": day})
        if status == "entrez" and "entered_at" not in fields:
            fields["entered_at"] = instant(parts)


def language(element: etree._Element, fields: Fields) -> None:
    """One of the languages."""
    fields.setdefault("languages", []).append(text_of(element))


def keywords(element: etree._Element, fields: Fields) -> None:
    """One of the lists of keywords: authors, publishers and indexers each have their own."""
    fields.setdefault("keywords", []).extend(map(text_of, element))


def publication_type(element: etree._Element, fields: Fields) -> None:
    """One of the publication types."""
    fields.setdefault("publication_types", []).append(text_of(element))


def grants(element: etree._Element, fields: Fields) -> None:
    """Who paid."""
    fields.setdefault("grants", []).extend(read_grants(element))


def references(element: etree._Element, fields: Fields) -> None:
    """What it cites, as far as PubMed knows the PMIDs."""
    fields.setdefault("references", []).extend(read_references(element))


def published(element: etree._Element, fields: Fields) -> None:
    """The date of the issue or book, as precise as it is printed."""
    fields["published"] = partial_date(element)


def electronic(element: etree._Element, fields: Fields) -> None:
    """The date of the first version online."""
    fields.setdefault("electronic", partial_date(element))


def revised(element: etree._Element, fields: Fields) -> None:
    """The day NLM last touched the record: it tells an older reading of it from a newer one."""
    fields["revised_on"] = whole_day(element)


COMMON: dict[str, Reader] = {
    "PMID": pmid,
    "ArticleTitle": title,
    "VernacularTitle": vernacular_title,
    "Pagination": pagination,
    "ELocationID": location,
    "Abstract": abstract,
    "OtherAbstract": other_abstract,
    "Language": language,
    "KeywordList": keywords,
    "GrantList": grants,
    "ReferenceList": references,
    "ArticleIdList": own_ids,
    "History": history,
    "DateRevised": revised,
}
"""The parts that are read alike wherever they stand in a record."""
