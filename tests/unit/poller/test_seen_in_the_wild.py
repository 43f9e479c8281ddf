"""Every failure of E-utilities that others met, as it comes over HTTP, with where it was reported.

Each goes through a client that asks once. What is checked is the verdict that is counted, and
that no reading of the answer takes it for "nothing there" or for a smaller answer.
"""

from collections.abc import Awaitable, Callable
from datetime import date

import httpx
import pytest

from services.poller.eutils import (
    Access,
    Client,
    Conduct,
    Eutils,
    Patience,
    Timing,
    Verdict,
    Window,
)
from services.poller.eutils.limit import Limiter
from shared.errors import CarillonError, Permanent, Retryable
from tests.unit.poller.fakes import BASE, form, no_sleep

THROTTLED, TRANSIENT, PERMANENT = Verdict.THROTTLED, Verdict.TRANSIENT, Verdict.PERMANENT
KEY = "0123456789abcdef"
DAY = Window(date(2026, 9, 7), date(2026, 9, 7))

Answer = httpx.Response | Exception
Reading = Callable[[Eutils], Awaitable[object]]

READINGS: dict[str, Reading] = {
    "esearch": lambda eutils: eutils.search("x", DAY, "crdt"),
    "efetch": lambda eutils: eutils.fetch([7]),
    "elink": lambda eutils: eutils.cited_by([7]),
    "esummary": lambda eutils: eutils.exists(7),
    "epost": lambda eutils: eutils.post([7]),
}


def page(body: str | bytes, status: int = 200, **headers: str) -> httpx.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, content=body, headers=given)


def searched(error: str) -> str:
    return f"<eSearchResult><ERROR>{error}</ERROR></eSearchResult>"


def fetched(error: str) -> str:
    return f"<eFetchResult><ERROR>{error}</ERROR></eFetchResult>"


def linked(content: str) -> str:
    return f"<eLinkResult>{content}</eLinkResult>"


def html(title: str) -> str:
    return f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body>0</body></html>"


CAP = "Search Backend failed: Exception:\n'retstart' cannot be larger than 9998. For PubMed"
VIEWER = " Error: External viewer error: Empty Response. Bytes read: 0 Status: Timeout"
TXCLIENT = "NCBI C++ Exception:\n    Error: TXCLIENT(CException::eUnknown) Read failed: EOF"
OVER = f'{{"error":"API rate limit exceeded","api-key":"{KEY}","count":"5","limit":"3"}}'
RECORDS = "<PubmedArticleSet><PubmedArticle><MedlineCitation>"
NO_LINKS = "<LinkSet><IdList><Id>7</Id></IdList></LinkSet>"
MERGED = "<LinkSet><IdList><Id>7</Id><Id>8</Id></IdList></LinkSet>"
UNKNOWN = '{"result":{"uids":["7"],"7":{"uid":"7","error":"cannot get document summary"}}}'
NO_IDS = "ID list is empty! Possibly it has no correct IDs."
ABUSE = "https://misuse.ncbi.nlm.nih.gov/error/abuse.shtml"

FAILURES: list[tuple[str, str, Answer, Verdict]] = [
    # An outage inside a 200
    ("biopython#5025", "esearch", page(searched("Database is not supported: pubmed")), TRANSIENT),
    (
        "metapub#73",
        "esearch",
        page('{"esearchresult":{"ERROR":"Search Backend failed"}}'),
        TRANSIENT,
    ),
    ("pubmed-mcp-server#95", "esearch", page(searched("Something new")), TRANSIENT),
    (
        "rentrez#208",
        "esummary",
        page('{"esummaryresult":["Unable to obtain query #1"]}'),
        PERMANENT,
    ),
    (
        "rentrez#187",
        "epost",
        page("<ePostResult><ERROR>Wrong DB name</ERROR></ePostResult>"),
        PERMANENT,
    ),
    (
        "clinvar#4",
        "esummary",
        page("<eSummaryResult><ERROR>CException</ERROR></eSummaryResult>"),
        TRANSIENT,
    ),
    (
        "refinebio#1390",
        "esearch",
        page(searched("Unable to open connection to #PMQuerySrv")),
        TRANSIENT,
    ),
    # The cap, and its words inside JSON that is none
    (
        "biopython#4189",
        "esearch",
        page(searched("Position 15000 is out of acceptable range")),
        PERMANENT,
    ),
    ("pubmed-mcp-server#95", "esearch", page(searched(CAP)), PERMANENT),
    ("paperscraper#40", "esearch", page(f'{{"esearchresult":{{"ERROR":"{CAP}"}}}}'), PERMANENT),
    # Throttled, with any status
    ("bioutils#16", "efetch", page(OVER, 429, Retry_After="2"), THROTTLED),
    ("biopython#1867", "esearch", page("", 429), THROTTLED),
    ("skim2mito#41", "elink", page(html("Too Many Requests"), 429), THROTTLED),
    ("rentrez#132", "esummary", page(OVER), THROTTLED),
    ("pubmedapi", "esearch", page('{"error":"/lbsm/eutils_lb -> Neg","status":"ok"}'), THROTTLED),
    ("eutils#134", "efetch", page(html("NCBI - WWW Error Blocked Diagnostic")), THROTTLED),
    ("eutils#134", "efetch", page("", 302, Location=ABUSE), THROTTLED),
    # A page in place of an answer
    ("ReCiter-PubMed-Retrieval-Tool#166", "esearch", page(html("NCBI")), TRANSIENT),
    ("Headstart#257", "esearch", page(html("NCBI - WWW Error 500 Diagnostic"), 500), TRANSIENT),
    (
        "tools-artbio#425",
        "esearch",
        page("Unable to route request!\n\nservice name: /http"),
        TRANSIENT,
    ),
    ("NBK25497", "esearch", page("", 301, Location="https://eutils.ncbi.nlm.nih.gov/"), PERMANENT),
    ("biopython-notebook#4", "esummary", page(html("414 Request-URI Too Long"), 414), PERMANENT),
    # Out of order for a while, with any status
    ("RISmed#33", "esearch", page("", 500), TRANSIENT),
    (
        "Biomni#101",
        "esearch",
        page("<eSearchResult><Count>0</Count></eSearchResult>", 500),
        TRANSIENT,
    ),
    ("pubmed-mcp-server#153", "efetch", page(fetched(VIEWER), 400), TRANSIENT),
    ("pubmed-mcp-server#155", "efetch", page(fetched(VIEWER)), TRANSIENT),
    (
        "pubmed-mcp-server#155",
        "efetch",
        page("proxy_stream(): Failed to connect to PubOne", 400),
        TRANSIENT,
    ),
    ("pubmed-mcp-server#155", "efetch", page(html("502 Bad Gateway"), 400), TRANSIENT),
    (
        "pubmed-mcp-server#155",
        "efetch",
        page("<PubmedArticleSet></PubmedArticleSet>", 502),
        TRANSIENT,
    ),
    (
        "front end",
        "esummary",
        page('{"error":"error forwarding request","status":"ok"}'),
        TRANSIENT,
    ),
    # Nothing at all
    ("manubot#354", "efetch", page(""), TRANSIENT),
    ("pubmed-lookup#8", "efetch", page("\n"), TRANSIENT),
    # Cut off
    ("pubget#21", "efetch", page(RECORDS), TRANSIENT),
    (
        "nature-academic-search#15",
        "efetch",
        httpx.RemoteProtocolError("incomplete read"),
        TRANSIENT,
    ),
    ("ReCiter#737", "esearch", httpx.ReadError("connection reset by peer"), TRANSIENT),
    ("ReCiter#697", "esearch", httpx.ReadTimeout("timed out"), TRANSIENT),
    ("biopython#3940", "esearch", page("<eSearchResult><Count>5</Count><IdLi"), TRANSIENT),
    (
        "pubmed_parser#161",
        "efetch",
        page(f"{RECORDS}<ERROR>gone</ERROR></PubmedArticleSet>"),
        TRANSIENT,
    ),
    # elink's back ends
    ("pubmed-mcp-server#53", "elink", page(linked(f"<ERROR>{TXCLIENT}</ERROR>")), TRANSIENT),
    ("pubmed-mcp-server#53", "elink", page(f'{{"linksets":[],"ERROR":"{TXCLIENT}"}}'), TRANSIENT),
    ("pubmed-mcp-server#62", "elink", page("", 500), TRANSIENT),
    (
        "biopython#4980",
        "elink",
        page(linked("<ERROR>Couldn't resolve #exLinkSrv2</ERROR>")),
        TRANSIENT,
    ),
    ("biopython#4980", "elink", page(linked("<LinkSet><ERROR>away</ERROR></LinkSet>")), TRANSIENT),
    ("pubmed-mcp-server#16", "elink", page(linked("")), TRANSIENT),
    # One list for several articles
    ("NBK25499", "elink", page(linked(MERGED)), TRANSIENT),
    # Requests that are wrong
    ("eutils#142", "esearch", page("Mandatory parameter: db - is omitted", 400), PERMANENT),
    (
        "rentrez#132",
        "esearch",
        page(f'{{"error":"API key invalid","api-key":"{KEY}"}}', 400),
        PERMANENT,
    ),
    ("NBK25499", "esummary", page('{"error":"Too many UIDs in request. Maximum"}'), PERMANENT),
    ("phylotaR", "efetch", page(fetched("Unable to obtain query #1"), 400), PERMANENT),
    ("factoid#655", "efetch", page(fetched("Supplied id parameter is empty.")), PERMANENT),
]


def asking(answer: Answer) -> tuple[Eutils, list[tuple[str, Verdict]]]:
    """E-utilities that give this one answer, and the verdicts on it as they are counted."""
    told: list[tuple[str, Verdict]] = []

    def handler(_request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    timing = Timing(lambda: 0.0, no_sleep, lambda: 0.5)
    conduct = Conduct(
        Limiter(3, timing=timing),
        Patience(attempts=1),
        timing,
        lambda utility, verdict: told.append((utility, verdict)),
    )
    http = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    return Eutils(Client(http, Access(BASE, api_key=KEY), conduct)), told


@pytest.mark.parametrize(("source", "utility", "answer", "verdict"), FAILURES)
async def test_a_failure_is_told_and_never_read_as_an_answer(
    source: str, utility: str, answer: Answer, verdict: Verdict
) -> None:
    eutils, told = asking(answer)

    with pytest.raises(Permanent if verdict is PERMANENT else Retryable) as caught:
        await READINGS[utility](eutils)

    assert told == [(utility, verdict)], source
    assert KEY not in str(caught.value), source


@pytest.mark.parametrize("utility", READINGS)
@pytest.mark.parametrize(("source", "meant_for", "answer", "verdict"), FAILURES)
async def test_no_failure_is_an_answer_to_any_utility(
    source: str, meant_for: str, answer: Answer, verdict: Verdict, utility: str
) -> None:
    with pytest.raises(CarillonError):
        await READINGS[utility](asking(answer)[0])


ANSWERS: list[tuple[str, str, httpx.Response, object]] = [
    # pubmed-mcp-server#155: all ids wrong is an answer, though with a 400
    ("pubmed-mcp-server#155", "efetch", page(fetched(NO_IDS), 400), b""),
    # semantic-search#100: a withdrawn PMID is an empty set
    ("semantic-search#100", "efetch", page("<PubmedArticleSet></PubmedArticleSet>"), b""),
    # pubmed-mcp-server#22: an unknown article has no links, and so has an unloved one
    ("pubmed-mcp-server#22", "elink", page(linked(NO_LINKS)), {7: ()}),
    ("pubmed-mcp-server#22", "esummary", page(UNKNOWN), False),
    # biopython#4349: a set of links about nothing
    ("biopython#4349", "elink", page(linked(NO_LINKS + "<LinkSet/>")), {7: ()}),
    # pubmed-mcp-server#96: a list of one as a scalar
    (
        "pubmed-mcp-server#96",
        "esummary",
        page('{"result":{"uids":"7","7":{"uid":"7","title":"T"}}}'),
        True,
    ),
]


@pytest.mark.parametrize(("source", "utility", "answer", "found"), ANSWERS)
async def test_an_odd_answer_is_read_for_what_it_says(
    source: str, utility: str, answer: httpx.Response, found: object
) -> None:
    assert await READINGS[utility](asking(answer)[0]) == found, source


async def test_references_that_pubmed_does_not_know_are_none_here_and_unknown_to_the_poll() -> None:
    # pubmed-mcp-server#42; see also test_rules.py
    body = linked(NO_LINKS)

    assert await asking(page(body))[0].references(7) == ()


async def test_a_broader_question_than_was_asked_is_told() -> None:
    # ToolUniverse#502, pubmed-mcp-server#96, ReCiter#134, #282
    body = (
        "<eSearchResult><Count>870</Count><IdList><Id>1</Id></IdList>"
        "<QueryTranslation>asthma</QueryTranslation>"
        "<ErrorList><FieldNotFound>foo</FieldNotFound></ErrorList><WarningList>"
        "<QuotedPhraseNotFound>body battery</QuotedPhraseNotFound></WarningList></eSearchResult>"
    )

    found = await asking(page(body))[0].search("x", DAY, "crdt")

    assert found.errors == ("FieldNotFound: foo",)
    assert found.unknown_phrases == ("QuotedPhraseNotFound: body battery",)
    assert found.query_translation == "asthma"


async def test_a_page_that_pubmed_clamps_shows_in_the_count() -> None:
    # paperscraper#40: "start and count adjusted to 9990, 9"
    body = "<eSearchResult><Count>10</Count><IdList><Id>1</Id></IdList></eSearchResult>"

    found = await asking(page(body))[0].search("x", DAY, "crdt")

    assert (found.count, len(found.ids)) == (10, 1)


async def test_scores_that_fail_for_good_are_done_without() -> None:
    # pubmed-mcp-server#53: retries do not help
    def handler(request: httpx.Request) -> httpx.Response:
        if form(request)["cmd"] == ["neighbor_score"]:
            return page(linked(f"<ERROR>{TXCLIENT}</ERROR>"))
        links = "<LinkName>pubmed_pubmed</LinkName><Link><Id>9</Id></Link>"
        source = "<IdList><Id>7</Id></IdList>"
        return page(linked(f"<LinkSet>{source}<LinkSetDb>{links}</LinkSetDb></LinkSet>"))

    timing = Timing(lambda: 0.0, no_sleep)
    http = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    client = Client(http, Access(BASE), Conduct(Limiter(3, timing=timing), timing=timing))

    assert await Eutils(client).similar(7) == [(9, None)]


async def test_days_are_those_of_entry_and_never_of_publication() -> None:
    # ReCiter#450: publication dates pile up on the first of a month
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.extend(form(request)["term"])
        return page("<eSearchResult><Count>0</Count><IdList/></eSearchResult>")

    timing = Timing(lambda: 0.0, no_sleep)
    http = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    eutils = Eutils(Client(http, Access(BASE), Conduct(Limiter(3, timing=timing), timing=timing)))
    await eutils.search("x", DAY, "crdt")
    await eutils.search("x", DAY, "edat")

    assert seen == [f"(x) AND 2026/09/07:2026/09/07[{kind}]" for kind in ("crdt", "edat")]
