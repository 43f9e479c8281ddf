"""Every way NCBI was seen to answer, told by the body (each with the place it was reported)."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from services.poller.eutils.answers import Verdict, classify, redact

RECORDED = Path(__file__).parents[4] / "shared" / "eutils" / "responses"

OK, EMPTY = Verdict.OK, Verdict.EMPTY
THROTTLED, TRANSIENT, PERMANENT = Verdict.THROTTLED, Verdict.TRANSIENT, Verdict.PERMANENT


def searched(error: str) -> str:
    return f"<eSearchResult><ERROR>{error}</ERROR></eSearchResult>"


def fetched(error: str) -> str:
    return f"<eFetchResult><ERROR>{error}</ERROR></eFetchResult>"


def linked(content: str) -> str:
    return f"<eLinkResult>{content}</eLinkResult>"


CAP = "Exception:\n'retstart' cannot be larger than 9998. For PubMed, ESearch can only"
LIMIT = '{"error":"API rate limit exceeded","api-key":"1.2.3.4","count":"5","limit":"3"}'
NO_ADDRESS = "Couldn't resolve #exLinkSrv2, the address table is empty."

CASES = [
    # biopython#5025, refinebio#1390: an outage in a 200
    (200, searched("Search Backend failed: Database is not supported: pubmed"), TRANSIENT),
    (200, searched("Search Backend failed: Unable to open connection to #PMQuerySrv"), TRANSIENT),
    (200, searched("Something never seen before"), TRANSIENT),
    (200, '{"esearchresult":{"ERROR":"Search Backend failed: no such thing"}}', TRANSIENT),
    # biopython#4189, paperscraper#40: the cap, in XML and in JSON with raw line ends
    (200, searched(CAP), PERMANENT),
    (200, searched("Exception:\nPosition 15000 is out of acceptable range"), PERMANENT),
    (200, f'{{"esearchresult":{{"ERROR":"{CAP}"}}}}', PERMANENT),
    # bioutils#16, rentrez#132: throttled, also in a 200 and in an "ok"
    (429, LIMIT, THROTTLED),
    (200, '{"error":"API rate limit exceeded","count":"11"}', THROTTLED),
    (200, '{"error":"/lbsm/eutils_lb -> Neg","type":"ip","status":"ok"}', THROTTLED),
    (429, "", THROTTLED),
    (429, "<html><title>slow down</title></html>", THROTTLED),
    # ReCiter-PubMed-Retrieval-Tool#166, Headstart#257, eutils#134: a page instead of an answer
    (200, "<!DOCTYPE html PUBLIC ''><html><head><title>NCBI</title></head></html>", TRANSIENT),
    (500, "<head> <title>NCBI/eutils202 - WWW Error 500 Diagnostic</title></head>", TRANSIENT),
    (200, "<html><title>NCBI - WWW Error Blocked Diagnostic</title></html>", THROTTLED),
    (414, "<html><title>414 Request-URI Too Long</title></html>", PERMANENT),
    # RISmed#33, pubmed-mcp-server#62
    (500, "", TRANSIENT),
    (502, "Bad Gateway", TRANSIENT),
    # pubmed-mcp-server#153, #155: transient although 4xx, or in a 200
    (400, fetched("External viewer error: Status: Timeout"), TRANSIENT),
    (200, fetched("External viewer error: Status: Timeout"), TRANSIENT),
    (400, "proxy_stream(): Failed to connect to PubOne", TRANSIENT),
    (400, fetched("ID list is empty! Possibly it has no correct IDs."), EMPTY),
    # factoid#655
    (200, fetched("Supplied id parameter is empty."), PERMANENT),
    # manubot#354: nothing at all
    (200, "", TRANSIENT),
    (200, " \n", TRANSIENT),
    # pubget#21, biopython#3940: cut off
    (200, "<PubmedArticleSet><PubmedArticle><MedlineCit", TRANSIENT),
    (200, "<eSearchResult><Count>5</Count><IdLi", TRANSIENT),
    (200, '{"esearchresult":{"count":"5","idl', TRANSIENT),
    # pubmed-mcp-server#53, biopython#4980: elink's back ends
    (200, '{"linksets":[],"ERROR":"NCBI C++ Exception:\n TXCLIENT Read failed: EOF"}', TRANSIENT),
    (200, "<eLinkResult><ERROR>TXCLIENT Read failed: EOF</ERROR></eLinkResult>", TRANSIENT),
    (200, linked(f"<ERROR>{NO_ADDRESS}</ERROR>"), TRANSIENT),
    (200, "<eLinkResult></eLinkResult>", TRANSIENT),
    (200, "<eLinkResult><LinkSet><ERROR>backend</ERROR></LinkSet></eLinkResult>", TRANSIENT),
    # pubmed-mcp-server#22, #42: no links, and no word on why
    (200, "<eLinkResult><LinkSet><DbFrom>pubmed</DbFrom></LinkSet></eLinkResult>", EMPTY),
    (200, '{"linksets":[{"dbfrom":"pubmed","ids":["35123456"]}]}', EMPTY),
    (200, '{"linksets":[{"linksetdbs":[{"links":["1"]}]}]}', OK),
    (200, linked("<LinkSet><LinkSetDb><Link><Id>1</Id></Link></LinkSetDb></LinkSet>"), OK),
    # searches
    (200, "<eSearchResult><Count>0</Count><IdList/></eSearchResult>", EMPTY),
    (200, "<eSearchResult><IdList/></eSearchResult>", TRANSIENT),
    (200, "<eSearchResult><Count>5</Count><IdList><Id>1</Id></IdList></eSearchResult>", OK),
    (503, "<eSearchResult><Count>5</Count></eSearchResult>", TRANSIENT),
    (200, '{"esearchresult":{"count":"0"}}', EMPTY),
    (200, '{"esearchresult":{"count":"3","idlist":["1"]}}', OK),
    (503, '{"esearchresult":{"count":"3"}}', TRANSIENT),
    # records
    (200, "<PubmedArticleSet></PubmedArticleSet>", EMPTY),
    (200, "<PubmedArticleSet/>", EMPTY),
    (200, "<PubmedArticleSet><PubmedArticle/></PubmedArticleSet>", OK),
    (200, "<PubmedArticleSet><DeleteCitation/></PubmedArticleSet>", OK),
    (200, "<PubmedArticleSet><ERROR>backend away</ERROR></PubmedArticleSet>", TRANSIENT),
    (200, "id: 3 Error occurred: The following PMID is not available: 3", EMPTY),
    # the front end, and wrong requests
    (200, "Unable to route request!\n\nservice name: /http/service/ratecontrol", TRANSIENT),
    (400, "Mandatory parameter: db - is omitted", PERMANENT),
    (400, '{"error":"API key invalid","api-key":"secret"}', PERMANENT),
    (200, '{"error":"error forwarding request"}', TRANSIENT),
    (200, '{"esummaryresult":["Empty id list - nothing todo"]}', EMPTY),
    (200, '{"esummaryresult":["Unable to obtain query #1"]}', PERMANENT),
    (200, "<ePostResult><ERROR>Wrong DB name</ERROR></ePostResult>", PERMANENT),
    (200, "<ePostResult><WebEnv>x</WebEnv></ePostResult>", OK),
    (200, "<unheard-of/>", TRANSIENT),
    (200, "[1, 2]", TRANSIENT),
    (200, "{}", TRANSIENT),
    (200, '{"header":{"type":"esearch","version":"0.3"}}', TRANSIENT),
    (200, '{"esearchresult":{"idlist":[]}}', TRANSIENT),
    (200, '{"esearchresult":[]}', TRANSIENT),
    (200, '{"esearchresult":{"count":0}}', EMPTY),
    (200, '{"linksets":[{"ids":["1"],"ERROR":"backend away"}]}', TRANSIENT),
    (502, "<PubmedArticleSet></PubmedArticleSet>", TRANSIENT),
    (502, "<PubmedArticleSet><PubmedArticle/></PubmedArticleSet>", TRANSIENT),
    (200, f"<PubmedArticleSet>{' ' * 9000}<ERROR>gone</ERROR></PubmedArticleSet>", TRANSIENT),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "verdict"), CASES)
def test_an_answer_is_told_by_its_body(status: int, body: str, verdict: Verdict) -> None:
    assert classify(status, body.encode()).verdict is verdict


def test_what_ncbi_asks_us_to_wait_is_kept() -> None:
    answer = classify(429, b"{}", {"retry-after": "2"})

    assert (answer.verdict, answer.retry_after) == (THROTTLED, timedelta(seconds=2))


def test_a_date_to_wait_for_is_left_to_our_own_patience() -> None:
    assert classify(429, b"", {"retry-after": "Mon, 07 Sep 2026 05:00:00 GMT"}).retry_after is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("Mon, 07 Sep 2026 05:02:30 GMT", 150),
        ("Mon, 07 Sep 2026 04:00:00 GMT", 0),
        ("Tue, 08 Sep 2026 05:00:00 GMT", 3600),
        ("90000", 3600),
        ("9" * 5000, None),
        ("Mon, 07 Sep 2026 05:02:30 -0000", None),
        ("in a moment", None),
        ("-2", None),
    ],
)
def test_a_time_to_wait_is_seconds_or_a_date_held_against_the_answers_own(
    value: str, seconds: int | None
) -> None:
    headers = {"retry-after": value, "date": "Mon, 07 Sep 2026 05:00:00 GMT"}

    wait = classify(429, b"", headers).retry_after

    assert wait == (None if seconds is None else timedelta(seconds=seconds))


def test_being_sent_to_the_misuse_page_is_a_block() -> None:
    answer = classify(302, b"", {"location": "https://misuse.ncbi.nlm.nih.gov/error/abuse.shtml"})

    assert answer.verdict is THROTTLED


def test_any_other_redirect_is_a_wrong_url() -> None:
    answer = classify(301, b"<html></html>", {"location": "https://eutils.ncbi.nlm.nih.gov/"})

    assert (answer.verdict, "correct the URL" in answer.message) == (PERMANENT, True)


def test_keys_and_addresses_are_taken_out_of_messages() -> None:
    text = '{"api-key":"abc123"} 10.1.2.3 api_key=xyz&v=1 me@example.org 2001:db8:0:0:0:0:0:1 k3y'

    said = redact(text, "k3y", None)

    for secret in ("abc123", "10.1.2.3", "xyz", "me@example.org", "2001:db8", "k3y"):
        assert secret not in said


def test_a_throttled_caller_is_not_named() -> None:
    body = b'{"error":"API rate limit exceeded","api-key":"134.192.135.254"}'

    assert "134.192" not in classify(429, body).message


RECORDED_VERDICTS = {
    "bad_request_db_omitted.txt": PERMANENT,
    "blocked.html": THROTTLED,
    "efetch_all_ids_invalid.xml": EMPTY,
    "efetch_empty_body.xml": TRANSIENT,
    "efetch_supplied_id_empty.xml": PERMANENT,
    "efetch_truncated.xml": TRANSIENT,
    "efetch_unable_to_obtain_query.xml": PERMANENT,
    "efetch_unknown_pmid.xml": EMPTY,
    "efetch_unknown_pmid_medline.txt": EMPTY,
    "elink_backend_exlinksrv2.xml": TRANSIENT,
    "elink_cpp_exception.json": TRANSIENT,
    "elink_unknown_or_no_citations.json": EMPTY,
    "error_forwarding.json": TRANSIENT,
    "esearch_backend_failed_db_not_supported.xml": TRANSIENT,
    "esearch_backend_failed_pmquerysrv.xml": TRANSIENT,
    "esearch_expired_webenv.json": PERMANENT,
    "esearch_field_not_found.xml": OK,
    "esearch_group_tag_ignored.json": OK,
    "esearch_html_escaped_amp.json": EMPTY,
    "esearch_legit_zero.json": EMPTY,
    "esearch_position_out_of_range.xml": PERMANENT,
    "esearch_quoted_phrase_not_found_zero.json": EMPTY,
    "esearch_retstart_over_9998.json": PERMANENT,
    "esearch_retstart_over_9998.xml": PERMANENT,
    "esearch_rettype_count_hides_warning.json": EMPTY,
    "esearch_stopword_phrase.json": EMPTY,
    "esearch_term_dropped_with_hits.json": OK,
    "esearch_typographic_asterisk.json": OK,
    "esearch_unknown_field_silent.json": OK,
    "esearch_window_clamped.json": OK,
    "esummary_cpp_exception.xml": TRANSIENT,
    "esummary_empty_id_list.json": EMPTY,
    "esummary_invalid_uid.json": PERMANENT,
    "esummary_unable_to_obtain_query.json": PERMANENT,
    "esummary_unknown_pmid.json": OK,
    "rate_limit_429.json": THROTTLED,
    "rate_limit_lbsm.json": THROTTLED,
    "rate_limit_short.json": THROTTLED,
    "unable_to_route.txt": TRANSIENT,
    "www_error_500.html": TRANSIENT,
}


here = pytest.mark.skipif(not RECORDED.is_dir(), reason="../shared/eutils is not here")


@here
@pytest.mark.parametrize("status", [200, None])
@pytest.mark.parametrize(("name", "verdict"), RECORDED_VERDICTS.items())
def test_recorded_answers_are_told_by_their_bodies(
    name: str, verdict: Verdict, status: int | None
) -> None:
    body = (RECORDED / "errors" / name).read_bytes()

    assert classify(status or recorded_status(name), body).verdict is verdict


def recorded_status(name: str) -> int:
    """The status it came with; the last of several ("200/400")."""
    index = json.loads((RECORDED / "errors" / "index.json").read_text(encoding="utf-8"))
    statuses = {Path(entry["file"]).name: str(entry["http_status"]) for entry in index}
    return int(statuses[name].rstrip("?")[-3:])


@here
def test_no_recorded_answer_is_left_out() -> None:
    recorded = {path.name for path in (RECORDED / "errors").iterdir()} - {"index.json"}

    assert recorded == RECORDED_VERDICTS.keys()
