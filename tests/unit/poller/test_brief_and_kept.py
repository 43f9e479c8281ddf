"""esummary's brief answers, and the lists that epost has NCBI keep."""

import json
from typing import Any

import httpx
import pytest

from services.poller.eutils import Eutils, Summary
from services.poller.eutils.history import History, fetch_history, post
from services.poller.eutils.summary import exists, summaries
from shared.errors import Permanent, Retryable
from tests.unit.poller.fakes import Handler, article_set, form, make_client, record

ARTICLE = {"uid": "7", "title": "&lt;i&gt;In vivo&lt;/i&gt; CAR", "pubdate": "2026 Sep"}
NO_SUMMARY = {"uid": "8", "error": "cannot get document summary"}
KEPT = "<ePostResult>{}<QueryKey>1</QueryKey><WebEnv>MCID_1</WebEnv></ePostResult>"


def always(body: str | bytes, status: int = 200) -> Handler:
    return lambda _request: httpx.Response(status, content=body)


def brief(**result: Any) -> Handler:
    return always(json.dumps({"result": result}))


def pubmed_of(known: set[int]) -> tuple[Handler, list[dict[str, list[str]]]]:
    asked: list[dict[str, list[str]]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(form(request))
        uids = asked[-1]["id"][0].split(",")
        about = {
            u: {"uid": u, "title": "T"} if int(u) in known else NO_SUMMARY | {"uid": u}
            for u in uids
        }
        return httpx.Response(200, text=json.dumps({"result": {"uids": uids, **about}}))

    return handler, asked


async def test_a_summary_has_title_and_date_as_pubmed_prints_them() -> None:
    client = make_client(brief(uids=["7", "8"], **{"7": ARTICLE, "8": NO_SUMMARY}))

    assert await summaries(client, [7, 8]) == {
        7: Summary(7, "<i>In vivo</i> CAR", "2026 Sep"),
        8: Summary(8, error="cannot get document summary"),
    }


async def test_summaries_are_asked_for_500_at_a_time_as_json() -> None:
    handler, asked = pubmed_of(set(range(1, 1202)))

    found = await summaries(make_client(handler), [*range(1, 1202), 5, 5])

    assert sorted(found) == list(range(1, 1202))
    assert [len(ask["id"][0].split(",")) for ask in asked] == [500, 500, 201]
    assert {ask["retmode"][0] for ask in asked} == {"json"}


async def test_a_list_of_one_that_came_as_a_scalar_is_a_list() -> None:
    client = make_client(brief(uids="7", **{"7": ARTICLE}))

    assert (await summaries(client, [7]))[7].published == "2026 Sep"


async def test_pubmed_is_asked_whether_it_has_an_article() -> None:
    handler, _ = pubmed_of({100})
    eutils = Eutils(make_client(handler))

    assert await eutils.exists(100)
    assert not await eutils.exists(101)


async def test_a_summary_that_failed_otherwise_does_not_mean_that_there_is_no_article() -> None:
    client = make_client(brief(uids=["7"], **{"7": {"uid": "7", "error": "backend away"}}))

    with pytest.raises(Retryable, match="no summary of 7: backend away"):
        await exists(client, 7)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('{"result":{"uids":["8"],"8":{"uid":"8","title":"T"}}}', "not about the 1 ids"),
        ('{"result":{"uids":[]}}', "not about the 1 ids"),
        ('{"result":{"uids":["7","7"],"7":{"uid":"7","title":"T"}}}', "not about the 1 ids"),
        ('{"result":{"uids":["7"]}}', "nothing about 7"),
        ('{"result":{"uids":["7"],"7":"gone"}}', "nothing about 7"),
        ('{"result":{"uids":["7"],"7":{"uid":"8","title":"T"}}}', "nothing about 7"),
        ('{"result":{"uids":["7"],"7":{"uid":"7"}}}', "without a title"),
        ('{"result":{"uids":["7"],"7":{"uid":"7","title":["T"]}}}', "without a title"),
        ('{"result":["7"]}', "without a result"),
        ('{"esummaryresult":["Empty id list - nothing todo"]}', "without a result"),
        ("<eSummaryResult><DocumentSummarySet/></eSummaryResult>", "not JSON"),
    ],
)
async def test_a_summary_that_says_less_than_was_asked_is_no_answer(body: str, says: str) -> None:
    with pytest.raises(Retryable, match=says):
        await exists(make_client(always(body)), 7)


async def test_a_kept_list_names_where_it_is_and_what_was_refused() -> None:
    seen: list[httpx.Request] = []
    refused = "<InvalidIdList><Id>9</Id></InvalidIdList>"

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, text=KEPT.format(refused))

    history = await Eutils(make_client(handler)).post([7, 8, 9, 7])

    assert history == History("MCID_1", "1", 2, (9,))
    assert (seen[0].method, form(seen[0])["id"]) == ("POST", ["7,8,9"])


@pytest.mark.parametrize(
    "body",
    [
        "<ePostResult><WebEnv>MCID_1</WebEnv></ePostResult>",
        "<ePostResult><WebEnv>MCID_1</WebEnv><QueryKey>one</QueryKey></ePostResult>",
        KEPT.format("<InvalidIdList><Id>none</Id></InvalidIdList>"),
        KEPT.format("<InvalidIdList><Id>10</Id></InvalidIdList>"),
    ],
)
async def test_a_list_that_is_not_plainly_kept_is_no_list(body: str) -> None:
    with pytest.raises(Retryable, match="names no list, or refuses ids that were not sent"):
        await post(make_client(always(body)), [7, 8])


async def test_a_list_that_ncbi_took_only_in_part_is_an_error() -> None:
    error = "<ERROR>IDs contain invalid characters which was treated as delimiters.</ERROR>"

    with pytest.raises(Permanent, match="invalid characters"):
        await post(make_client(always(KEPT.format(error))), [7, 8])


@pytest.mark.parametrize("many", [0, 10_000])
async def test_no_list_is_posted_whose_records_could_not_all_be_had(many: int) -> None:
    with pytest.raises(ValueError, match="1 to 9999"):
        await post(make_client(always(KEPT)), range(1, many + 1))


async def test_records_of_a_kept_list_come_part_by_part() -> None:
    seen: list[dict[str, list[str]]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(form(request))
        return httpx.Response(200, content=article_set(record(7)))

    history = History("MCID_1", "1", 9_999)
    body = await Eutils(make_client(handler)).fetch_history(history, 9_800, 199)

    assert body == article_set(record(7))
    assert seen[0]["WebEnv"] + seen[0]["query_key"] == ["MCID_1", "1"]
    assert seen[0]["retstart"] + seen[0]["retmax"] == ["9800", "199"]


@pytest.mark.parametrize(("start", "count"), [(0, 0), (0, 201), (-1, 5), (9_900, 100)])
async def test_no_part_beyond_the_list_or_a_chunk_is_asked_for(start: int, count: int) -> None:
    client = make_client(always(article_set()))

    with pytest.raises(ValueError, match="give 1 to 200 within it"):
        await fetch_history(client, History("MCID_1", "1", 9_999), start, count)


async def test_a_list_that_ncbi_dropped_has_to_be_posted_again() -> None:
    client = make_client(
        always("<eFetchResult><ERROR>Unable to obtain query #1</ERROR></eFetchResult>", 400)
    )

    with pytest.raises(Permanent, match="efetch: Unable to obtain query #1"):
        await fetch_history(client, History("MCID_1", "1", 5), 0, 5)
