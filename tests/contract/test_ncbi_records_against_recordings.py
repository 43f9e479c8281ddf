"""The stand-in's records obey NLM's DTD, and hold nothing that real ones do not.

DTD and records are not part of this repository; without them beside it these tests are skipped.
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from services.ncbi_sim.catalogue import load_catalogue
from services.ncbi_sim.settings import PACKAGED_CATALOGUE
from tests.unit.ncbi_sim.small_catalogue import (
    ARTICLES,
    Entrez,
    article,
    entrez,
    on,
    small_catalogue,
)

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "eutils"

pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="the recorded NCBI answers are not at ../shared/eutils"
)


def nesting(root: etree._Element) -> Iterator[tuple[str, str]]:
    """Every parent and child element name that occurs."""
    for child in root:
        if isinstance(child.tag, str):
            yield str(root.tag), child.tag
            yield from nesting(child)


async def whole_catalogue(client: Entrez) -> etree._Element:
    """Every record of the packaged catalogue."""
    found = await client.search("1000:3000[dp]", usehistory="y")
    return await client.xml("efetch", WebEnv=found["webenv"], query_key=found["querykey"])


def pubmed_dtd() -> etree.DTD:
    """NLM's DTD; its MathML part is not at hand and not needed."""
    text = (RECORDED / "dtd" / "pubmed_250101.dtd").read_text(encoding="utf-8")
    text = re.sub(r"<!ENTITY % mathml-in-pubmed[^>]*>\s*%mathml-in-pubmed;", "", text)
    return etree.DTD(io.StringIO("<!ELEMENT mml:math ANY>" + text))


async def test_every_record_of_the_demo_catalogue_obeys_nlms_dtd() -> None:
    async with entrez(load_catalogue(PACKAGED_CATALOGUE), now=lambda: on(14)) as client:
        root = await whole_catalogue(client)
    assert len(root) >= 60
    dtd = pubmed_dtd()
    assert dtd.validate(root), str(dtd.error_log)


async def test_changed_odd_and_deleted_records_obey_nlms_dtd() -> None:
    odd = [
        {**article(pmid, "Odd."), "simulated": True, **more}
        for pmid, more in (
            (301, {"season": "Fall", "cites": [100, 101], "pmcid": "PMC1"}),
            (302, {"medline_date": "2025 Dec-2026 Jan", "electronic_on": "2025-12-24"}),
            (303, {"publication_types": ["Preprint"]}),
            (304, {"version": 3, "entered_time": "07:30"}),
            (305, {}),
        )
    ]
    changes = [
        {"day": 1, "pmid": 303, "kind": "update", "notice_pmid": 302},
        {"day": 1, "pmid": 301, "kind": "concern", "notice_pmid": 302},
        {"day": 1, "pmid": 304, "kind": "update", "title": "WITHDRAWN: <i>odd</i>."},
        {"day": 1, "pmid": 302, "kind": "withdrawal"},
        {"day": 1, "pmid": 305, "kind": "deletion", "delete_citation_days": 9},
    ]
    catalogue = small_catalogue(article=[*ARTICLES, *odd], change=changes)
    async with entrez(catalogue, now=lambda: on(3)) as client:
        root = await client.xml("efetch", id="301,302,303,304,305")
    assert len(root) == 5
    dtd = pubmed_dtd()
    assert dtd.validate(root), str(dtd.error_log)


async def test_every_element_of_our_records_occurs_in_real_ones() -> None:
    real: set[tuple[str, str]] = set()
    for path in sorted((RECORDED / "records").glob("*.xml")):
        real |= set(nesting(etree.parse(path, etree.XMLParser(huge_tree=True)).getroot()))
    async with entrez(load_catalogue(PACKAGED_CATALOGUE), now=lambda: on(14)) as client:
        ours = set(nesting(await whole_catalogue(client)))
    assert ours - real == set()
