"""What indexers and publishers add to a record: headings, substances, grants, accessions, links."""

from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree

from services.poller.eutils.xml import pmid_in
from services.poller.text import text_of, texts_named, texts_of
from shared.article import Correction

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
_CHEMICAL = {"RegistryNumber": "registry_number", "NameOfSubstance": "name"}


def read_headings(headings: etree._Element) -> list[Fields]:
    """A `MeshHeadingList` as `MeshHeading`s."""
    found = (_heading(element) for element in headings.iterchildren("MeshHeading"))
    return [heading for heading in found if heading.get("name")]


def _heading(element: etree._Element) -> Fields:
    heading: Fields = {"major": False}
    qualifiers: list[str] = []
    majors: list[str] = []
    for child in element:
        major = child.get("MajorTopicYN") == "Y"
        heading["major"] |= major
        if child.tag == "DescriptorName":
            heading["name"], heading["ui"] = text_of(child), child.get("UI")
        elif child.tag == "QualifierName" and (text := text_of(child)):
            qualifiers.append(text)
            if major:
                majors.append(text)
    heading["qualifiers"], heading["major_qualifiers"] = tuple(qualifiers), tuple(majors)
    return heading


def read_chemicals(chemicals: etree._Element) -> list[Fields]:
    """A `ChemicalList` as `Chemical`s."""
    return [found for element in chemicals if (found := _chemical(element)).get("name")]


def _chemical(element: etree._Element) -> Fields:
    substance = element.find("NameOfSubstance")
    ui = None if substance is None else substance.get("UI")
    return {**texts_named(element, _CHEMICAL), "ui": ui}


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


def read_corrections(links: etree._Element) -> list[Correction]:
    """A `CommentsCorrectionsList`: notices, comments, versions, each with what it points to."""
    return [
        Correction(
            ref_type=element.get("RefType", ""),
            pmid=pmid_in(element.findtext("PMID")),
            source=text_of(element.find("RefSource")) or None,
        )
        for element in links.iterchildren("CommentsCorrections")
    ]


def read_references(references: etree._Element) -> Iterator[int]:
    """The PMIDs of a `ReferenceList`, also of the lists nested in it."""
    for element in references.iter("ArticleId"):
        # `pubmed` is what the DTD takes where nothing is said.
        if element.get("IdType", "pubmed") == "pubmed" and (pmid := pmid_in(element.text)):
            yield pmid
