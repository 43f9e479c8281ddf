"""What indexers and publishers add to a record: headings, substances, grants, accessions, links."""

from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree

from services.poller.eutils.xml import pmid_in
from services.poller.text import text_of, texts_named, texts_of

Fields = dict[str, Any]
"""The fields of one of the records in `shared.article`."""

_REGISTRIES = frozenset(
    name.lower()
    for name in (
        "ClinicalTrials.gov", "ISRCTN", "EudraCT", "ANZCTR", "ChiCTR", "CRiS", "CTRI", "DRKS",
        "IRCT", "JapicCTI", "JMACCT", "JPRN", "jRCT", "KCT", "NTR", "PACTR", "ReBec", "REPEC",
        "RPCEC", "SLCTR", "TCTR", "UMIN CTR",
    )
)  # fmt: skip
"""The trial registers among PubMed's data banks; the others hold sequences and data sets."""

_GRANT = {"GrantID": "number", "Acronym": "acronym", "Agency": "agency", "Country": "country"}


def read_headings(headings: etree._Element) -> list[Fields]:
    """A `MeshHeadingList` as `MeshHeading`s."""
    return [heading for element in headings if "name" in (heading := _heading(element))]


def _heading(element: etree._Element) -> Fields:
    heading: Fields = {}
    for child in element:
        text = text_of(child)
        major = child.get("MajorTopicYN") == "Y"
        if major:
            heading["major"] = True
        if child.tag == "DescriptorName":
            if text:
                heading["name"], heading["ui"] = text, child.get("UI")
        elif text:
            heading.setdefault("qualifiers", []).append(text)
            if major:
                heading.setdefault("major_qualifiers", []).append(text)
    return heading


def read_chemicals(chemicals: etree._Element) -> list[Fields]:
    """A `ChemicalList` as `Chemical`s."""
    return [found for element in chemicals if (found := _chemical(element)).get("name")]


def _chemical(element: etree._Element) -> Fields:
    chemical: Fields = {}
    for child in element:
        if child.tag == "NameOfSubstance":
            chemical["name"], chemical["ui"] = text_of(child), child.get("UI")
        elif child.tag == "RegistryNumber":
            chemical["registry_number"] = text_of(child) or None
    return chemical


def read_grants(grants: etree._Element) -> list[Fields]:
    """A `GrantList` as `Grant`s."""
    return [found for element in grants if (found := texts_named(element, _GRANT))]


def read_accessions(banks: etree._Element) -> list[Fields]:
    """A `DataBankList` as `Accession`s; a bank named without a number says nothing."""
    return [
        {"bank": text_of(bank.find("DataBankName")), "number": number}
        for bank in banks.iterchildren("DataBank")
        for numbers in bank.iterchildren("AccessionNumberList")
        for number in texts_of(numbers, "AccessionNumber")
    ]


def trials(accessions: Iterable[Fields]) -> Iterator[str]:
    """The numbers of trial registers among the accessions."""
    for accession in accessions:
        number: str = accession["number"]
        if accession["bank"].lower() in _REGISTRIES or number.upper().startswith("NCT"):
            yield number


def read_corrections(links: etree._Element) -> list[Fields]:
    """A `CommentsCorrectionsList` as `Correction`s: each with what it points to."""
    return [_correction(element) for element in links]


def _correction(element: etree._Element) -> Fields:
    link: Fields = {"ref_type": element.get("RefType", "")}
    for child in element:
        if child.tag == "PMID":
            link["pmid"] = pmid_in(child.text)
        elif child.tag == "RefSource":
            link["source"] = text_of(child) or None
    return link


def read_references(references: etree._Element) -> Iterator[int | None]:
    """The PMIDs of a `ReferenceList`, also of the lists nested in it."""
    # `pubmed` is what the DTD takes where nothing is said.
    ids = references.iter("ArticleId")
    return map(pmid_in, [one.text for one in ids if one.get("IdType", "pubmed") == "pubmed"])
