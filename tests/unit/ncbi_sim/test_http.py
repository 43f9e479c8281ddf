"""The HTTP side: methods, databases, the request limit, failures on demand, counts."""

from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from services.ncbi_sim.app import create_app
from services.ncbi_sim.faults import FaultPlan, Rule
from services.ncbi_sim.history import MAX_ENVIRONMENTS, History, UnknownQueryError
from services.ncbi_sim.throttle import Throttle
from tests.unit.ncbi_sim.served import served
from tests.unit.ncbi_sim.small_catalogue import SEED, client_of, entrez, small_catalogue


async def test_a_form_encoded_post_is_as_good_as_a_get() -> None:
    async with entrez() as client:
        form = {"db": "pubmed", "term": "lupus[ti]", "retmode": "json"}
        posted = await client.http.post("/entrez/eutils/esearch.fcgi", data=form)
        got = await client.get("esearch", **form)
    assert posted.content == got.content


async def test_a_long_id_list_has_to_be_posted() -> None:
    ids = ",".join(str(pmid) for pmid in range(30_000_000, 30_002_000))
    async with entrez() as client:
        got = await client.get("efetch", id=ids)
        form = {"db": "pubmed", "id": f"{ids},{SEED}", "retmode": "xml"}
        posted = await client.http.post("/entrez/eutils/efetch.fcgi", data=form)
    assert got.status_code == 414
    assert posted.text.count("<PubmedArticle>") == 1


async def test_characters_that_cannot_stand_in_xml_do_no_harm() -> None:
    async with entrez() as client:
        root = await client.xml("esearch", term="a\x00b\x1f<&c")
    assert root.findtext("Count") == "0"


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ("esearch", "Invalid db name specified: pmc"),
        ("esummary", "Invalid db name specified: pmc"),
        ("efetch", "Invalid db name specified: pmc"),
        ("elink", "Invalid db name specified: pmc"),
        ("epost", "Wrong DB name"),
    ],
)
async def test_only_pubmed_is_served(endpoint: str, said: str) -> None:
    async with entrez() as client:
        root = await client.xml(endpoint, db="pmc", id=SEED, term="x")
    assert root.findtext("ERROR") == said


async def test_a_missing_db_is_a_bad_request() -> None:
    async with entrez() as client:
        response = await client.http.get("/entrez/eutils/esearch.fcgi?term=lupus")
    assert (response.status_code, response.text) == (400, "Mandatory parameter: db - is omitted")


async def test_the_fourth_request_within_a_second_is_refused() -> None:
    seconds = [0.0]
    app = create_app(small_catalogue(), clock=lambda: seconds[0])
    async with client_of(app) as client:
        healthy = [(await client.get("esearch", term="x")).status_code for _ in range(3)]
        refused = await client.get("esearch", term="x")
        seconds[0] = 1.1
        later = await client.get("esearch", term="x")
    assert healthy == [200, 200, 200]
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "2"
    assert refused.headers["x-ratelimit-limit"] == "3"
    body = {"error": "API rate limit exceeded", "api-key": "127.0.0.1", "count": "4", "limit": "3"}
    assert refused.json() == body
    assert later.status_code == 200


def test_an_api_key_has_ten_requests_a_second_of_its_own() -> None:
    throttle = Throttle(lambda: 0.0)
    assert [throttle.check("key", "address") for _ in range(10)] == [None] * 10
    excess = throttle.check("key", "address")
    assert excess is not None
    assert (excess.caller, excess.count, excess.limit) == ("key", 11, 10)
    assert throttle.check("", "address") is None


async def test_an_empty_api_key_is_invalid() -> None:
    async with entrez() as client:
        response = await client.get("esearch", term="x", api_key="")
    assert (response.status_code, response.json()["error"]) == (400, "API key invalid")


async def test_health_and_counts_are_told() -> None:
    async with entrez() as client:
        assert (await client.http.get("/livez")).text == "ok\n"
        await client.get("esearch", term="x")
        await client.get("esearch", term="x")
        await client.get("elink", id=SEED)
        counts = (await client.http.get("/_sim/requests")).json()
    assert counts == {"esearch": 2, "esummary": 0, "efetch": 0, "elink": 1, "epost": 0}


async def fail(kind: str, endpoint: str = "efetch", **params: Any) -> httpx.Response:
    """The response when the endpoint always fails in one way."""
    rule = Rule.model_validate({"endpoint": endpoint, "kind": kind, "always": True})
    async with entrez(faults=(rule,)) as client:
        return await client.get(endpoint, id=SEED, **params)


@pytest.mark.parametrize(
    ("kind", "status", "text"),
    [
        ("http_500", 500, "<h1>Server Error</h1>"),
        ("http_429", 429, "API rate limit exceeded"),
        ("error_in_200", 200, "<eFetchResult><ERROR>Search Backend failed: Database is not"),
        ("html_page", 200, "<!DOCTYPE html>"),
        (
            "timeout_400",
            400,
            "External viewer error: Empty Response. Bytes read: 0 Status: Timeout",
        ),
    ],
)
async def test_each_failure_looks_like_ncbis(kind: str, status: int, text: str) -> None:
    response = await fail(kind, retmode="xml")
    assert response.status_code == status
    assert text in response.text


async def test_a_body_can_be_empty_or_end_in_the_middle() -> None:
    async with entrez() as client:
        healthy = (await client.get("efetch", id=SEED, retmode="xml")).content
    assert (await fail("empty_body")).content == b""
    assert (await fail("truncated", retmode="xml")).content == healthy[: len(healthy) // 2]


@pytest.mark.parametrize("endpoint", ["esearch", "esummary", "elink", "epost"])
async def test_an_error_in_a_200_has_the_envelope_of_the_endpoint(endpoint: str) -> None:
    response = await fail("error_in_200", endpoint, retmode="xml")
    name = {"esearch": "eSearch", "esummary": "eSummary", "elink": "eLink", "epost": "ePost"}
    assert f"<{name[endpoint]}Result><ERROR>Search Backend failed" in response.text


async def test_faults_can_be_set_and_cleared_while_running() -> None:
    async with entrez() as client:
        rules = [
            {"endpoint": "*", "kind": "http_500", "nth": 2},
            {"endpoint": "esearch", "kind": "html_page", "always": True, "times": 1},
        ]
        assert (await client.http.post("/_sim/faults", json=rules)).status_code == 204
        seen = [await client.get("esearch", term="lupus") for _ in range(3)]
        await client.http.post("/_sim/faults", json=[{**rules[0], "nth": 1}])
        assert (await client.http.delete("/_sim/faults")).status_code == 204
        healthy = await client.get("esearch", term="lupus")
    assert "html" in seen[0].headers["content-type"]
    assert [response.status_code for response in seen] == [200, 500, 200]
    assert healthy.status_code == 200


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "exactly one of nth, rate and always"),
        ({"nth": 1, "always": True}, "exactly one of nth, rate and always"),
        ({"rate": 0.5}, "rate and seed belong together"),
        ({"always": True, "kind": "earthquake"}, "kind"),
    ],
)
async def test_a_rule_that_makes_no_sense_is_refused(wrong: dict[str, Any], message: str) -> None:
    rule = {"endpoint": "*", "kind": "http_500", **wrong}
    with pytest.raises(ValidationError, match=message):
        Rule.model_validate(rule)
    async with entrez() as client:
        assert (await client.http.post("/_sim/faults", json=[rule])).status_code == 422


def test_a_rate_hits_its_share_and_always_the_same_requests() -> None:
    def hits(seed: int) -> list[bool]:
        plan = FaultPlan()
        plan.add([Rule(endpoint="*", kind="http_500", rate=0.3, seed=seed)])
        return [plan.next_fault("efetch") is not None for _ in range(1000)]

    assert hits(1) == hits(1)
    assert hits(1) != hits(2)
    assert 250 < sum(hits(1)) < 350


def test_the_history_forgets_its_oldest_set_when_full() -> None:
    history = History()
    first = history.save(["1"])
    for _ in range(MAX_ENVIRONMENTS):
        last = history.save(["2"])
    assert history.read(last.web_env, "1") == ("2",)
    with pytest.raises(UnknownQueryError, match="Unable to obtain query #1"):
        history.read(first.web_env, "1")


async def test_a_dropped_connection_is_dropped_on_the_wire() -> None:
    rule = Rule(endpoint="esearch", kind="drop_connection", nth=1)
    app = create_app(small_catalogue(), faults=[rule])
    async with served(app) as url, httpx.AsyncClient(timeout=10) as http:
        ask = {"db": "pubmed", "term": "lupus", "retmode": "json"}
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get(f"{url}/entrez/eutils/esearch.fcgi", params=ask)
        assert (await http.get(f"{url}/entrez/eutils/esearch.fcgi", params=ask)).status_code == 200
