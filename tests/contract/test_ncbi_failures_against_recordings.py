"""The stand-in's failures say what NCBI's recorded ones say.

The recordings are not part of this repository; without them beside it these tests are skipped.
"""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import etree

from services.ncbi_sim.faults import Rule
from tests.unit.ncbi_sim.small_catalogue import entrez

ERRORS = Path(__file__).resolve().parents[3] / "shared" / "eutils" / "responses" / "errors"

pytestmark = pytest.mark.skipif(
    not ERRORS.is_dir(), reason="the recorded NCBI errors are not at ../shared/eutils"
)

ASKED = {
    "esearch": {"term": '"lupus nephritis"[ti] AND lupus[tiab]'},
    "efetch": {"id": "100,101"},
    "elink": {"id": "100", "cmd": "neighbor_score"},
}


async def failing(kind: str, endpoint: str, retmode: str) -> httpx.Response:
    """The answer when everything always fails in one way."""
    rule = Rule.model_validate({"endpoint": "*", "kind": kind, "always": True})
    async with entrez(faults=(rule,)) as client:
        return await client.get(endpoint, retmode=retmode, **ASKED[endpoint])


def recorded(name: str) -> str:
    return (ERRORS / name).read_text(encoding="utf-8").rstrip()


@pytest.mark.parametrize(
    ("kind", "endpoint", "name"),
    [
        ("cpp_exception", "elink", "elink_cpp_exception.json"),
        ("throttled_200", "efetch", "rate_limit_short.json"),
        ("unroutable", "efetch", "unable_to_route.txt"),
        ("empty_body", "efetch", "efetch_empty_body.xml"),
    ],
)
async def test_some_are_the_recorded_bytes(kind: str, endpoint: str, name: str) -> None:
    assert (await failing(kind, endpoint, "json")).text.rstrip() == recorded(name)


@pytest.mark.parametrize(
    ("kind", "endpoint", "name"),
    [
        ("error_in_200", "esearch", "esearch_backend_failed_db_not_supported.xml"),
        ("search_backend", "esearch", "esearch_backend_failed_pmquerysrv.xml"),
        ("address_table", "elink", "elink_backend_exlinksrv2.xml"),
        ("ids_invalid_400", "efetch", "efetch_all_ids_invalid.xml"),
    ],
)
async def test_some_are_the_recorded_envelope_and_words(
    kind: str, endpoint: str, name: str
) -> None:
    ours = etree.fromstring((await failing(kind, endpoint, "xml")).content)
    theirs = etree.fromstring((ERRORS / name).read_bytes())
    assert ours.tag == theirs.tag
    # The recorded server was asked for another database.
    said = theirs.findtext("ERROR", "").replace("dbaf=taxonomy", "dbaf=pubmed")
    assert ours.findtext("ERROR") == said


@pytest.mark.parametrize(
    ("kind", "name", "same"),
    [
        ("http_429", "rate_limit_429.json", ("error",)),
        ("lb_neg", "rate_limit_lbsm.json", ("error", "type", "status")),
        ("forwarding", "error_forwarding.json", ("error", "type", "status")),
    ],
)
async def test_refusals_have_the_recorded_keys(kind: str, name: str, same: tuple[str, ...]) -> None:
    ours, theirs = (await failing(kind, "efetch", "xml")).json(), json.loads(recorded(name))
    assert list(ours) == list(theirs)
    assert [ours[key] for key in same] == [theirs[key] for key in same]


@pytest.mark.parametrize(
    ("kind", "name"), [("html_page", "blocked.html"), ("http_500", "www_error_500.html")]
)
async def test_pages_have_the_recorded_title(kind: str, name: str) -> None:
    def titled(text: str) -> str:
        found = re.search(r"WWW Error \w+ Diagnostic", text)
        return found[0] if found else "no title"

    assert titled((await failing(kind, "efetch", "xml")).text) == titled(recorded(name))


async def test_a_dropped_field_is_told_as_recorded() -> None:
    ours = etree.fromstring((await failing("field_dropped", "esearch", "xml")).content)
    theirs = etree.fromstring((ERRORS / "esearch_field_not_found.xml").read_bytes())
    assert [child.tag for child in ours.iterfind("ErrorList/*")] == [
        child.tag for child in theirs.iterfind("ErrorList/*")
    ]


async def test_a_silently_dropped_field_leaves_the_recorded_keys() -> None:
    ours: Any = (await failing("field_silent", "esearch", "json")).json()["esearchresult"]
    theirs = json.loads(recorded("esearch_unknown_field_silent.json"))["esearchresult"]
    assert ours["errorlist"] == theirs["errorlist"]


async def test_a_dropped_phrase_is_told_as_recorded() -> None:
    ours: Any = (await failing("phrase_dropped", "esearch", "json")).json()["esearchresult"]
    theirs = json.loads(recorded("esearch_term_dropped_with_hits.json"))["esearchresult"]
    assert int(ours["count"]) > 0
    assert list(ours["warninglist"]) == list(theirs["warninglist"])
    assert [bool(v) for v in ours["warninglist"].values()] == [
        bool(v) for v in theirs["warninglist"].values()
    ]
    assert "errorlist" not in ours
    assert "errorlist" not in theirs


async def test_a_clamped_page_is_told_as_recorded() -> None:
    theirs = json.loads(recorded("esearch_window_clamped.json"))["esearchresult"]
    said = theirs["warninglist"]["outputmessages"]
    assert said == [f"Restrictions achieved. start and count adjusted to {theirs['retstart']}, 9"]
    async with entrez() as client:
        counted = await client.search("nowhere[foo]", rettype="count")
    hidden = json.loads(recorded("esearch_rettype_count_hides_warning.json"))["esearchresult"]
    assert list(counted) == list(hidden)
