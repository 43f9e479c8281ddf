"""Searches that PubMed cuts off, and links that it gives or does not give."""

from datetime import date
from pathlib import Path

import httpx
import pytest

from services.poller.eutils import Window
from services.poller.eutils.fetch import fetch
from services.poller.eutils.found import read_search
from services.poller.eutils.link import cited_by, references, similar
from services.poller.eutils.search import Sizes, search
from shared.errors import Retryable
from tests.unit.poller.fakes import Handler, form, make_client

ANSWERS = Path(__file__).parent / "answers"
TENS = Sizes(page=10)
WEEK = Window(date(2026, 9, 1), date(2026, 9, 7))


def page(count: int, ids: list[int]) -> httpx.Response:
    found = "".join(f"<Id>{pmid}</Id>" for pmid in ids)
    body = f"<eSearchResult><Count>{count}</Count><IdList>{found}</IdList></eSearchResult>"
    return httpx.Response(200, text=body)


def pubmed_with(ids: list[int], clamp: int = 0) -> tuple[Handler, list[dict[str, list[str]]]]:
    asked: list[dict[str, list[str]]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(form(request))
        start, size = int(asked[-1]["retstart"][0]), int(asked[-1]["retmax"][0])
        return page(len(ids), ids[start : start + size - clamp])

    return handler, asked


async def test_the_window_is_part_of_the_query() -> None:
    handler, asked = pubmed_with([1])

    await search(make_client(handler), "car[tiab]\n OR x", WEEK, "crdt")

    assert asked[0]["term"] == ["(car[tiab] OR x) AND 2026/09/01:2026/09/07[crdt]"]


async def test_pages_go_on_by_what_was_requested() -> None:
    handler, asked = pubmed_with(list(range(1, 26)))

    answer = await search(make_client(handler), "x", WEEK, "edat", sizes=TENS)

    assert answer.ids == tuple(range(1, 26))
    assert [ask["retstart"] for ask in asked] == [["0"], ["10"], ["20"]]


async def test_a_page_that_pubmed_cuts_short_shows_in_the_count() -> None:
    handler, _ = pubmed_with(list(range(1, 26)), clamp=1)

    answer = await search(make_client(handler), "x", WEEK, "edat", sizes=TENS)

    assert len(answer.ids) < answer.count == 25


async def test_9999_answers_are_taken_and_no_more_are_asked_for() -> None:
    handler, asked = pubmed_with(list(range(1, 10_000)))

    answer = await search(make_client(handler), "x", WEEK, "crdt")

    assert len(answer.ids) == 9_999
    assert all(int(a["retstart"][0]) + int(a["retmax"][0]) <= 9_999 for a in asked)


def test_only_the_answers_own_count_is_read() -> None:
    found = read_search((ANSWERS / "esearch_translation_stack.xml").read_bytes())

    assert found.count == 8
    assert found.query_translation == '"car t"[Title/Abstract]'
    assert found.warnings == ("PhraseNotFound: nosuchword", "OutputMessage: a note")
    assert found.errors == ("FieldNotFound: foo",)


def test_a_quiet_week_is_no_remark_on_the_query() -> None:
    said = b"<WarningList><OutputMessage>No items found.</OutputMessage></WarningList>"

    found = read_search(b"<eSearchResult><Count>0</Count><IdList/>%s</eSearchResult>" % said)

    assert found.warnings == ()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<eSearchResult><IdList/></eSearchResult>", "without a count"),
        (b"<eSearchResult><Count>-1</Count></eSearchResult>", "without a count"),
        (b"<eSearchResult><Count>1e3</Count></eSearchResult>", "without a count"),
        (b"<eSearchResult><Count>99999999999</Count></eSearchResult>", "without a count"),
        (b"<eLinkResult><Count>0</Count></eLinkResult>", "without a count: <eLinkResult>"),
        (b'{"esearchresult":{"count":"3"}}', "not XML"),
    ],
)
def test_a_search_answer_that_cannot_be_used_is_asked_again(body: bytes, says: str) -> None:
    with pytest.raises(Retryable, match=says):
        read_search(body)


def test_an_id_that_is_none_is_left_out_so_that_the_count_disagrees() -> None:
    ids = "<Id>5</Id><Id>99999999999999999999</Id>"
    body = f"<eSearchResult><Count>2</Count><IdList>{ids}</IdList></eSearchResult>".encode()

    assert (read_search(body).count, read_search(body).ids) == (2, (5,))


async def test_similar_articles_come_nearest_first_without_the_article_itself() -> None:
    body = (ANSWERS / "elink_neighbor_score.xml").read_bytes()

    found = await similar(make_client(lambda _: httpx.Response(200, content=body)), 100)

    assert found == [(3, 45_000_000), (2, 30_000_000)]


async def test_without_scores_the_list_itself_is_the_order() -> None:
    commands: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        commands.append(form(request)["cmd"][0])
        if commands[-1] == "neighbor_score":
            return httpx.Response(
                200, text="<eLinkResult><ERROR>TXCLIENT EOF</ERROR></eLinkResult>"
            )
        links = "<Link><Id>9</Id></Link><Link><Id>8</Id></Link>"
        linked = f"<LinkSetDb><LinkName>pubmed_pubmed</LinkName>{links}</LinkSetDb>"
        start = "<IdList><Id>100</Id></IdList>"
        text = f"<eLinkResult><LinkSet>{start}{linked}</LinkSet></eLinkResult>"
        return httpx.Response(200, text=text)

    assert await similar(make_client(handler), 100) == [(9, None), (8, None)]
    assert commands == ["neighbor_score", "neighbor_score", "neighbor"]


async def test_each_article_is_asked_for_in_an_id_of_its_own() -> None:
    seen: list[dict[str, list[str]]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(form(request))
        return httpx.Response(200, content=(ANSWERS / "elink_two_sources.xml").read_bytes())

    assert await cited_by(make_client(handler), [100, 200]) == {100: (7,), 200: (7, 8)}
    assert seen[0]["id"] == ["100", "200"]


async def test_no_links_are_an_empty_list() -> None:
    body = "<eLinkResult><LinkSet><IdList><Id>100</Id></IdList></LinkSet></eLinkResult>"

    assert await references(make_client(lambda _: httpx.Response(200, text=body)), 100) == ()


def links_of(source: str, *links: str, name: str = "pubmed_pubmed_citedin") -> str:
    linked = f"<LinkSetDb><LinkName>{name}</LinkName>{''.join(links)}</LinkSetDb>"
    return f"<LinkSet><IdList><Id>{source}</Id></IdList>{linked}</LinkSet>"


LINK = "<Link><Id>7</Id></Link>"


@pytest.mark.parametrize(
    ("sets", "says"),
    [
        (links_of("100", LINK), "no word on 1 of 2"),
        (links_of("100", LINK) + links_of("300", LINK), "not of one of the articles"),
        (links_of("100", LINK) * 2 + links_of("200", LINK), "two sets of links of 100"),
        (links_of("100</Id><Id>200", LINK), "not of one of the articles"),
        (links_of("none", LINK) + links_of("200", LINK), "not of one of the articles"),
        ("<LinkSet><DbFrom>pubmed</DbFrom></LinkSet>", "not of one of the articles"),
        (links_of("100", "<Link><Id>x7</Id></Link>") + links_of("200"), "id that is none: 'x7'"),
        (links_of("100", "<Link/>") + links_of("200"), "id that is none: ''"),
        (links_of("100", LINK, name="") + links_of("200"), "links without a name"),
        (
            links_of("100", f"<Link><Id>7</Id><Score>{'9' * 19}</Score></Link>"),
            "score that is none",
        ),
        (links_of("100", "<Link><Id>7</Id><Score>-1</Score></Link>"), "score that is none"),
        (links_of("100", LINK, "<ERROR>backend</ERROR>") + links_of("200"), "backend"),
        (links_of("100", LINK) + "<LinkSet><ERROR>away</ERROR></LinkSet>", "away"),
        (links_of("100", LINK) + links_of("200") + "<ERROR>at the end</ERROR>", "at the end"),
    ],
)
async def test_links_that_are_malformed_in_any_part_are_no_answer(sets: str, says: str) -> None:
    body = f"<eLinkResult>{sets}</eLinkResult>"

    with pytest.raises(Retryable, match=says):
        await cited_by(make_client(lambda _: httpx.Response(200, text=body)), [100, 200])


async def test_links_of_another_name_are_not_those_asked_for() -> None:
    body = f"<eLinkResult>{links_of('100', LINK, name='pubmed_pubmed_reviews')}</eLinkResult>"

    assert await cited_by(make_client(lambda _: httpx.Response(200, text=body)), [100]) == {100: ()}


async def test_many_articles_are_asked_for_a_hundred_at_a_time_and_once_each() -> None:
    seen: list[list[str]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(form(request)["id"])
        return httpx.Response(
            200, text=f"<eLinkResult>{''.join(map(links_of, seen[-1]))}</eLinkResult>"
        )

    found = await cited_by(make_client(handler), [*range(1, 251), 1, 2])

    assert list(found) == list(range(1, 251))
    assert [len(ids) for ids in seen] == [100, 100, 50]


@pytest.mark.parametrize(
    "body",
    [
        b"<eSearchResult><Count>0</Count><IdList/></eSearchResult>",
        b"<eSearchResult><Count>1</Count><IdList><Id>1</Id></IdList></eSearchResult>",
        b'{"result":{"uids":[]}}',
        b"id: 1 Error occurred: The following PMID is not available: 1",
    ],
)
async def test_another_answer_than_records_is_not_read_as_no_records(body: bytes) -> None:
    with pytest.raises(Retryable, match="no set of articles"):
        await fetch(make_client(lambda _: httpx.Response(200, content=body)), [1])


@pytest.mark.parametrize("size", [0, 201])
async def test_a_chunk_has_1_to_200_ids(size: int) -> None:
    with pytest.raises(ValueError, match="1 to 200"):
        await fetch(make_client(lambda _: page(0, [])), range(1, size + 1))


async def test_records_that_pubmed_does_not_have_are_no_bytes() -> None:
    error = "ID list is empty! Possibly it has no correct IDs."
    body = f"<eFetchResult><ERROR>{error}</ERROR></eFetchResult>"

    assert await fetch(make_client(lambda _: httpx.Response(400, text=body)), [1]) == b""
