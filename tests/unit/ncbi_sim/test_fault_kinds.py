"""Every kind of failure looks like NCBI's."""

import json
from typing import Any

import httpx
import pytest
from lxml import etree

from services.ncbi_sim.app import create_app
from services.ncbi_sim.spoil import NOBODYS_PMID
from tests.unit.ncbi_sim.failing import HEALTHY, fail, healthy, pmids, rule
from tests.unit.ncbi_sim.served import served
from tests.unit.ncbi_sim.small_catalogue import SEED, client_of, entrez, small_catalogue


@pytest.mark.parametrize(
    ("kind", "endpoint", "status", "text"),
    [
        ("http_500", "elink", 500, "<h1>Server Error</h1>"),
        ("http_502", "efetch", 502, "<h1>Bad Gateway</h1>"),
        ("http_503", "esearch", 503, "<h1>Service Unavailable</h1>"),
        ("http_429", "efetch", 429, '{"error":"API rate limit exceeded","api-key":"127.0.0.1"'),
        ("throttled_200", "efetch", 200, '{"error":"API rate limit exceeded","count":"11"}'),
        ("key_invalid", "efetch", 400, '{"error":"API key invalid"'),
        ("error_in_200", "efetch", 200, "<eFetchResult><ERROR>Search Backend failed: Database is"),
        ("search_backend", "esearch", 200, "Unable to open connection to #PMQuerySrv"),
        ("cpp_exception", "esummary", 200, "NCBI C++ Exception:\n    Error: TXCLIENT"),
        ("timeout_400", "efetch", 400, "Empty Response. Bytes read: 0 Status: Timeout"),
        ("timeout_200", "efetch", 200, "Empty Response. Bytes read: 0 Status: Timeout"),
        ("proxy_400", "efetch", 400, "Failed to connect to PubOne"),
        ("ids_invalid_400", "efetch", 400, "ID list is empty! Possibly it has no correct IDs."),
        ("html_page", "esearch", 200, "WWW Error Blocked Diagnostic"),
        ("unroutable", "efetch", 200, "Unable to route request!"),
        ("lb_neg", "esearch", 200, '{"error":"/lbsm/eutils_lb -> Neg","api-key":"127.0.0.1"'),
        ("forwarding", "efetch", 502, '{"error":"error forwarding request"'),
        ("empty_body", "efetch", 200, ""),
        ("scoring_failed", "elink", 200, "Read failed: EOF"),
        ("address_table", "elink", 200, "Couldn't resolve #exLinkSrv2, the address table is empty"),
    ],
)
async def test_each_failure_looks_like_ncbis(
    kind: str, endpoint: str, status: int, text: str
) -> None:
    response = await fail(kind, endpoint)
    assert response.status_code == status
    assert text in response.text
    assert text or not response.content


@pytest.mark.parametrize("endpoint", ["esearch", "esummary", "elink", "epost"])
async def test_an_error_in_a_200_has_the_envelope_of_the_endpoint(endpoint: str) -> None:
    response = await fail("error_in_200", endpoint)
    name = {"esearch": "eSearch", "esummary": "eSummary", "elink": "eLink", "epost": "ePost"}
    assert f"<{name[endpoint]}Result><ERROR>Search Backend failed" in response.text


async def test_an_exception_in_json_is_no_valid_json() -> None:
    text = (await fail("cpp_exception", "elink", retmode="json")).text
    with pytest.raises(json.JSONDecodeError, match="Invalid control character"):
        json.loads(text)
    said = json.loads(text, strict=False)
    assert (said["linksets"], said["ERROR"][:18]) == ([], "NCBI C++ Exception")


async def test_the_refusals_of_the_front_end_repeat_the_key() -> None:
    for kind in ("http_429", "lb_neg", "key_invalid"):
        assert (await fail(kind, api_key="secret")).json()["api-key"] == "secret"


async def test_a_lost_history_needs_a_history() -> None:
    async with entrez() as client:
        kept = await client.search("lupus", usehistory="y")
        where = {"WebEnv": kept["webenv"], "query_key": kept["querykey"]}
        rules = [rule("history_lost").model_dump(mode="json")]
        await client.http.post("/_sim/faults", json=rules)
        lost = await client.get("efetch", **where)
        summary = await client.json("esummary", **where)
        plain = await client.get("efetch", id=SEED, retmode="xml")
    assert (lost.status_code, "Unable to obtain query #1" in lost.text) == (400, True)
    assert summary == {"esummaryresult": ["Unable to obtain query #1"]}
    assert pmids(plain) == ["100"]


async def test_the_redirect_to_the_misuse_page_stays_on_this_machine() -> None:
    async with entrez(faults=(rule("misuse_redirect"),)) as client:
        moved = await client.get("efetch", id=SEED)
        page = await client.http.get(moved.headers["location"])
    assert moved.status_code == 302
    assert moved.headers["location"].startswith("/misuse.ncbi.nlm.nih.gov/")
    assert (page.status_code, "WWW Error Blocked" in page.text) == (200, True)


async def test_a_body_can_end_in_the_middle() -> None:
    whole = (await healthy("efetch")).content
    assert (await fail("truncated")).content == whole[: len(whole) // 2]


async def test_only_scored_links_fail_when_scoring_fails() -> None:
    plain = await fail("scoring_failed", "elink", cmd="neighbor")
    assert plain.content == (await healthy("elink", cmd="neighbor")).content


@pytest.mark.parametrize("retmode", ["xml", "json"])
async def test_links_can_be_missing_as_if_there_were_none(retmode: str) -> None:
    lying = (await fail("links_missing", "elink", retmode=retmode)).content
    unknown = (await healthy("elink", retmode=retmode, id="555")).content
    assert lying.replace(b"100", b"555") == unknown


@pytest.mark.parametrize(
    ("kind", "left"),
    [
        ("record_missing", ["101"]),
        ("record_wrong", [NOBODYS_PMID.decode(), "101"]),
        ("record_duplicate", ["100", "100", "101"]),
        ("record_unreadable", [None, "101"]),
    ],
)
async def test_one_of_the_records_can_be_wrong(kind: str, left: list[str | None]) -> None:
    assert pmids(await fail(kind)) == left


async def test_one_of_the_records_can_be_no_xml() -> None:
    response = await fail("record_malformed")
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(response.content)
    recovered = etree.fromstring(response.content, etree.XMLParser(recover=True))
    assert "101" in {pmid.text for pmid in recovered.iter("PMID")}


async def test_it_is_not_always_the_same_record() -> None:
    async with entrez(faults=(rule("record_missing"),)) as client:
        asked = {"id": "100,101,102", "retmode": "xml"}
        left = [pmids(await client.get("efetch", **asked)) for _ in range(3)]
    assert left == [["101", "102"], ["100", "102"], ["100", "101"]]


@pytest.mark.parametrize("kind", ["record_missing", "record_malformed"])
async def test_what_is_no_record_set_is_left_alone(kind: str) -> None:
    params = {"retmode": "text", "rettype": "medline"}
    assert (await fail(kind, **params)).text == (await healthy("efetch", **params)).text


async def searched(kind: str, retmode: str, **params: Any) -> tuple[int, list[str]]:
    """Count and ids of a search that fails in one way."""
    response = await fail(kind, "esearch", retmode=retmode, **params)
    if retmode == "json":
        result = response.json()["esearchresult"]
        return int(result["count"]), result["idlist"]
    root = etree.fromstring(response.content)
    return int(root.findtext("Count", "")), [str(e.text) for e in root.iterfind("IdList/Id")]


@pytest.mark.parametrize("retmode", ["xml", "json"])
async def test_count_and_ids_of_a_search_can_disagree(retmode: str) -> None:
    assert await searched("ids_missing", retmode) == (2, ["100"])
    assert await searched("count_wrong", retmode) == (1, ["101", "100"])


@pytest.mark.parametrize("kind", ["ids_missing", "count_wrong"])
async def test_a_search_that_finds_nothing_is_left_alone(kind: str) -> None:
    assert await searched(kind, "json", term="nowhere") == (0, [])


async def test_a_known_phrase_can_be_left_out_with_a_warning() -> None:
    term = '"lupus nephritis"[ti] AND lupus[tiab]'
    result = (await fail("phrase_dropped", "esearch", term=term, retmode="json")).json()
    result = result["esearchresult"]
    assert result["idlist"] == ["101", "100"]
    assert result["querytranslation"] == '"lupus"[Title/Abstract]'
    assert result["warninglist"]["quotedphrasesnotfound"] == ['"lupus nephritis"[ti]']


async def test_a_known_field_can_be_left_out_with_a_remark() -> None:
    response = await fail("field_dropped", "esearch", term="review[ti]", retmode="json")
    result = response.json()["esearchresult"]
    assert result["idlist"] == ["100"]
    assert result["querytranslation"] == '"review"[All Fields]'
    assert result["errorlist"]["fieldsnotfound"] == ["ti"]


@pytest.mark.parametrize("retmode", ["xml", "json"])
async def test_a_known_field_can_be_left_out_without_a_remark(retmode: str) -> None:
    response = await fail("field_silent", "esearch", term="review[ti]", retmode=retmode)
    if retmode == "json":
        result = response.json()["esearchresult"]
        assert result["errorlist"] == {"phrasesnotfound": [], "fieldsnotfound": []}
        read = result["querytranslation"]
    else:
        root = etree.fromstring(response.content)
        assert root.findall(".//FieldNotFound") == []
        read = root.findtext("QueryTranslation")
    assert read == '"review"[All Fields]'


async def test_a_translation_stack_holds_counts_that_are_not_the_count() -> None:
    root = etree.fromstring((await fail("translation_stack", "esearch")).content)
    assert [count.text for count in root.iter("Count")] == ["2", "0"]
    assert root.findtext("Count") == "2"


async def test_a_summary_can_be_missing_among_others() -> None:
    result = (await fail("summary_missing", "esummary", retmode="json")).json()["result"]
    assert result["100"]["error"] == "cannot get document summary"
    assert result["101"]["title"] == "Lupus nephritis in mice."


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("drop_connection", httpx.RemoteProtocolError),
        ("cut_connection", httpx.RemoteProtocolError),
        ("reset", httpx.ReadError),
        ("slow", httpx.ReadTimeout),
    ],
)
async def test_a_connection_breaks_on_the_wire(kind: str, error: type[Exception]) -> None:
    app = create_app(small_catalogue(), faults=[rule(kind, "esearch", nth=1, seconds=5)])
    timeout = httpx.Timeout(10, read=0.5)
    async with served(app) as url, httpx.AsyncClient(base_url=url, timeout=timeout) as http:
        ask = {"db": "pubmed", "term": "lupus", "retmode": "json"}
        with pytest.raises(error):
            await http.get("/entrez/eutils/esearch.fcgi", params=ask)
        assert (await http.get("/entrez/eutils/esearch.fcgi", params=ask)).status_code == 200


async def test_a_slow_answer_is_the_healthy_one() -> None:
    async with entrez(faults=(rule("slow", seconds=0.01),)) as client:
        response = await client.get("efetch", **HEALTHY["efetch"])
    assert response.content == (await healthy("efetch")).content


async def test_a_reset_without_a_socket_cuts_the_answer() -> None:
    app = create_app(small_catalogue(), faults=[rule("reset")])
    async with client_of(app) as client:
        with pytest.raises(AssertionError):  # httpx's ASGI transport misses the body
            await client.get("esearch", term="x")
