"""The stand-in's answers have the shape of NCBI's recorded ones, and obey NCBI's DTDs.

The recordings are not part of this repository; without them beside it these tests are skipped.
"""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from tests.unit.ncbi_sim.small_catalogue import entrez

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "eutils"
RESPONSES = RECORDED / "responses"

pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="the recorded NCBI answers are not at ../shared/eutils"
)

# Fields that NCBI has added to or taken from its summaries since the recording of 2013.
SUMMARY_CHANGES = {"viewcount", "vernaculartitle"}


def recorded_json(name: str) -> Any:
    """A recorded JSON answer; NCBI's errors hold raw line feeds."""
    return json.loads((RESPONSES / name).read_text(encoding="utf-8"), strict=False)


def recorded_xml(name: str) -> etree._Element:
    """A recorded XML answer."""
    return etree.fromstring((RESPONSES / name).read_bytes())


def children(parent: etree._Element) -> list[str]:
    """The element names below an element, runs of the same name once."""
    names = [str(child.tag) for child in parent if isinstance(child.tag, str)]
    return [name for at, name in enumerate(names) if at == 0 or names[at - 1] != name]


def nesting(root: etree._Element, path: str = "") -> Iterator[tuple[str, str]]:
    """Every parent and child element name that occurs."""
    for child in root:
        if isinstance(child.tag, str):
            yield str(root.tag), child.tag
            yield from nesting(child)


def key_tree(value: Any) -> Any:
    """The keys of a JSON value; lists by their first entry."""
    if isinstance(value, dict):
        return {key: key_tree(inner) for key, inner in value.items()}
    return [key_tree(value[0])] if isinstance(value, list) and value else type(value).__name__


async def test_esearch_json_has_the_recorded_keys() -> None:
    async with entrez() as client:
        ours = await client.json("esearch", term="cell[foo]", retmax=0)
    theirs = recorded_json("errors/esearch_unknown_field_silent.json")
    assert key_tree(ours["header"]) == key_tree(theirs["header"])
    assert list(ours["esearchresult"]) == list(theirs["esearchresult"])
    assert list(ours["esearchresult"]["errorlist"]) == list(theirs["esearchresult"]["errorlist"])


async def test_esearch_warnings_have_the_recorded_keys() -> None:
    async with entrez() as client:
        ours = await client.search('"no such phrase"[tiab]')
    theirs = recorded_json("errors/esearch_html_escaped_amp.json")["esearchresult"]
    assert list(ours) == list(theirs)
    assert key_tree(ours["warninglist"]) == key_tree(theirs["warninglist"]) | {
        "outputmessages": ["str"]
    }


async def test_esearch_xml_has_the_recorded_elements_in_order() -> None:
    async with entrez() as client:
        ours = await client.xml("esearch", term="cell", usehistory="y")
    theirs = recorded_xml("esearch/2a9cf086c3.xml")
    assert children(ours) == children(theirs)
    assert set(nesting(ours)) == set(nesting(theirs))


async def test_esearch_xml_without_hits_has_the_recorded_elements() -> None:
    async with entrez() as client:
        ours = await client.xml("esearch", term="abcXYZ")
    theirs = recorded_xml("esearch/warn_c3df9a312d.xml")
    assert children(ours) == children(theirs)
    for path in ("Count", "RetMax", "ErrorList/PhraseNotFound", "WarningList/OutputMessage"):
        assert ours.findtext(path) == theirs.findtext(path)


@pytest.mark.parametrize(
    ("recorded", "endpoint", "params"),
    [
        ("esearch_retstart_over_9998.json", "esearch", {"term": "cell", "retstart": 9999}),
        ("esearch_expired_webenv.json", "esearch", {"term": "x", "WebEnv": "y", "query_key": 1}),
        ("esummary_unknown_pmid.json", "esummary", {"id": "999999999"}),
        ("esummary_invalid_uid.json", "esummary", {"id": "NC_999999999"}),
        ("esummary_empty_id_list.json", "esummary", {}),
        ("esummary_unable_to_obtain_query.json", "esummary", {"WebEnv": "y", "query_key": 1}),
        ("elink_unknown_or_no_citations.json", "elink", {"id": "35123456"}),
    ],
)
async def test_json_errors_are_the_recorded_ones(
    recorded: str, endpoint: str, params: dict[str, Any]
) -> None:
    async with entrez() as client:
        response = await client.get(endpoint, retmode="json", **params)
    assert response.text.rstrip() == (RESPONSES / "errors" / recorded).read_text().rstrip()


@pytest.mark.parametrize(
    ("recorded", "params"),
    [
        ("efetch_unable_to_obtain_query.xml", {"WebEnv": "y", "query_key": 1}),
        ("efetch_all_ids_invalid.xml", {"id": "x"}),
        ("efetch_supplied_id_empty.xml", {"id": ""}),
        ("efetch_unknown_pmid.xml", {"id": "1"}),
    ],
)
async def test_efetch_errors_are_the_recorded_ones(recorded: str, params: dict[str, Any]) -> None:
    async with entrez() as client:
        ours = await client.xml("efetch", **params)
    theirs = recorded_xml(f"errors/{recorded}")
    assert (ours.tag, ours.findtext("ERROR")) == (theirs.tag, theirs.findtext("ERROR"))


async def test_esummary_json_has_the_recorded_keys_in_order() -> None:
    async with entrez() as client:
        ours = (await client.json("esummary", id=100))["result"]
    theirs = recorded_json("esummary/58ba0def85.json")["result"]
    summary, recorded = ours["100"], theirs["22144687"]
    assert [k for k in summary if k not in SUMMARY_CHANGES] == [
        k for k in recorded if k not in SUMMARY_CHANGES
    ]
    for name in ("authors", "lang", "pubtype", "articleids", "history", "attributes"):
        assert key_tree(summary[name]) == key_tree(recorded[name]), name


async def test_esummary_version_1_has_the_recorded_items_in_order() -> None:
    async with entrez() as client:
        ours = await client.xml("esummary", id=100)
    theirs = recorded_xml("esummary/f603a9af87.xml")

    def items(root: etree._Element) -> list[tuple[str | None, str | None]]:
        return [(item.get("Name"), item.get("Type")) for item in root[0].iterfind("Item")]

    assert items(ours) == items(theirs)


async def test_elink_json_has_the_recorded_keys() -> None:
    async with entrez() as client:
        ours = await client.json("elink", dbfrom="pubmed", id=100, linkname="pubmed_pubmed_citedin")
    assert key_tree(ours) == key_tree(recorded_json("elink/9c74ffff4e.json"))


async def test_elink_gives_the_article_itself_first_as_recorded() -> None:
    async with entrez() as client:
        ours = await client.json("elink", dbfrom="pubmed", id=100)
    for answer in (ours, recorded_json("elink/2f111f7936.json")):
        link_set = answer["linksets"][0]
        assert link_set["linksetdbs"][0]["linkname"] == "pubmed_pubmed"
        assert link_set["linksetdbs"][0]["links"][0] == link_set["ids"][0]


async def test_elink_and_epost_xml_have_the_recorded_nesting() -> None:
    async with entrez() as client:
        linked = await client.xml("elink", dbfrom="pubmed", id=100)
        posted = await client.xml("epost", id="100")
        empty = await client.xml("epost", id="")
    recorded = recorded_xml("elink/ef182c405d.xml")
    # The recorded one also holds an error for one of its link names.
    assert set(nesting(linked)) == set(nesting(recorded)) - {("LinkSetDb", "error")}
    assert children(posted) == children(recorded_xml("epost/6fb9060193.xml"))
    theirs = recorded_xml("epost/err_394a057230.xml")
    assert empty.findtext("ERROR") == theirs.findtext("ERROR")


async def test_the_request_limit_answers_with_the_recorded_keys() -> None:
    async with entrez() as client:
        rule = {"endpoint": "esearch", "kind": "http_429", "always": True}
        await client.http.post("/_sim/faults", json=[rule])
        ours = (await client.get("esearch", term="x")).json()
    assert list(ours) == list(recorded_json("errors/rate_limit_429.json"))


@pytest.mark.parametrize(
    ("dtd", "endpoint", "params"),
    [
        ("esearch.dtd", "esearch", {"term": 'cell AND nosuch OR "no phrase" OR x[foo] AND the'}),
        ("esearch.dtd", "esearch", {"term": "cell", "retstart": 9999}),
        ("esummary-v1.dtd", "esummary", {"id": "100,101,5"}),
    ],
)
async def test_answers_obey_the_dtds_of_the_e_utilities(
    dtd: str, endpoint: str, params: dict[str, Any]
) -> None:
    async with entrez() as client:
        root = await client.xml(endpoint, **params)
    rules = etree.DTD(io.StringIO((RECORDED / "dtd" / dtd).read_text(encoding="utf-8")))
    assert rules.validate(root), str(rules.error_log)
