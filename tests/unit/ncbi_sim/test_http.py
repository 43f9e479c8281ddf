"""The HTTP side: methods, databases, the request limit, failures on demand, counts."""

import pytest

from services.ncbi_sim.app import create_app
from services.ncbi_sim.history import MAX_ENVIRONMENTS, History, UnknownQueryError
from services.ncbi_sim.throttle import Throttle
from tests.unit.ncbi_sim.small_catalogue import SEED, client_of, entrez, on, small_catalogue


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


def test_the_history_forgets_its_oldest_set_when_full() -> None:
    history = History()
    first = history.save(["1"])
    for _ in range(MAX_ENVIRONMENTS):
        last = history.save(["2"])
    assert history.read(last.web_env, "1") == ("2",)
    with pytest.raises(UnknownQueryError, match="Unable to obtain query #1"):
        history.read(first.web_env, "1")


async def test_a_set_that_nobody_asks_for_is_gone_after_eight_hours() -> None:
    instant = [on(1, hour=0)]
    async with entrez(now=lambda: instant[0]) as client:
        kept = await client.search("lupus", usehistory="y")
        where = {"WebEnv": kept["webenv"], "query_key": kept["querykey"]}
        for hour in (8, 16):
            instant[0] = on(1, hour=hour)
            assert "result" in await client.json("esummary", **where), hour
        instant[0] = on(2, hour=1)
        gone = await client.json("esummary", **where)
    assert gone == {"esummaryresult": ["Unable to obtain query #1"]}


@pytest.mark.parametrize("retmode", ["json", "xml"])
async def test_the_cap_can_be_lowered_and_holds_for_kept_sets_too(retmode: str) -> None:
    app = create_app(small_catalogue(), now=lambda: on(10), rate_limit=False, cap=3)
    async with client_of(app) as client:
        found = await client.search("1000:3000[dp]", retmax=99, usehistory="y")
        beyond = await client.get("esearch", term="lupus", retstart=3, retmode=retmode)
        where = {"WebEnv": found["webenv"], "query_key": found["querykey"], "retmode": "xml"}
        fetched = await client.get("efetch", **where, retstart=1, retmax=99)
        refused = await client.get("efetch", **where, retstart=3)
    assert (found["count"], len(found["idlist"])) == ("7", 3)
    said = "Restrictions achieved. start and count adjusted to 0, 3"
    assert found["warninglist"]["outputmessages"] == [said]
    assert "larger than 2. For PubMed, ESearch can only retrieve the first 3" in beyond.text
    assert fetched.text.count("<PubmedArticle>") == 2
    assert (refused.status_code, "cannot be larger than 2" in refused.text) == (400, True)


async def test_every_answer_tells_how_many_requests_are_left() -> None:
    app = create_app(small_catalogue(), clock=lambda: 0.0)
    async with client_of(app) as client:
        left = [await client.get("esearch", term="x") for _ in range(3)]
        keyed = await client.get("esearch", term="x", api_key="key")
    assert [answer.headers["x-ratelimit-remaining"] for answer in left] == ["2", "1", "0"]
    assert keyed.headers["x-ratelimit-limit"] == "10"
