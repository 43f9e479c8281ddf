"""Failures that NCBI speaks of, in its answer or its status."""

from collections.abc import Mapping
from functools import partial

from services.ncbi_sim import failures
from services.ncbi_sim.answers import EFETCH_ERROR, Answer, xml_error
from services.ncbi_sim.failures import backend_error, page
from services.ncbi_sim.kinds import (
    CYANHEADS,
    ENDPOINTS,
    FETCH,
    LINK,
    NOT_REPORTED,
    SEARCH,
    Failure,
    Kind,
)
from services.ncbi_sim.spoil import Asked

_UNSUPPORTED = "Search Backend failed: Database is not supported: pubmed"
_NO_QUERY_SERVER = "Search Backend failed: Unable to open connection to #PMQuerySrv?dbaf=pubmed"
# NCBI's line feed is raw, which makes it invalid in JSON.
_EXCEPTION = "NCBI C++ Exception:\n    Error: TXCLIENT(CException::eUnknown)"
_SCORING = (
    "NCBI C++ Exception:\n    Error: TXCLIENT(CException::eUnknown) CTxRawClientImpl::readAll() "
    "--- Read failed: EOF (the other side has unexpectedly closed connection)"
)
_NO_ADDRESSES = "Couldn't resolve #exLinkSrv2, the address table is empty."
_TIMEOUT = " Error: External viewer error: Empty Response. Bytes read: 0 Status: Timeout"
_NO_IDS = "ID list is empty! Possibly it has no correct IDs."


def _error(message: str, asked: Asked) -> Answer:
    return backend_error(asked.endpoint, asked.params, message)


def _page(error: object, heading: str, status: int, _asked: Asked) -> Answer:
    return page(error, heading, status)


def _viewer_error(message: str, status: int, _asked: Asked) -> Answer:
    return xml_error(message, EFETCH_ERROR, status)


def _lost(asked: Asked) -> Answer:
    message = f"Unable to obtain query #{asked.params.get('query_key') or 1}"
    answer = backend_error(asked.endpoint, asked.params, message)
    if asked.endpoint != "efetch":
        return answer
    return Answer(answer.body, answer.media_type, 400)


def _uses_history(asked: Asked) -> bool:
    return bool(asked.params.get("WebEnv"))


def _scores(asked: Asked) -> bool:
    return asked.params.get("cmd") == "neighbor_score"


def _status(status: int, heading: str, source: str) -> Failure:
    says = f"HTTP {status} with a web page"
    return Failure(says, source, partial(_page, status, heading, status))


SPOKEN: Mapping[Kind, Failure] = {
    "http_500": _status(500, "Server Error", "skoval/RISmed#33, cyanheads/pubmed-mcp-server#62"),
    "http_502": _status(502, "Bad Gateway", f"{CYANHEADS}#155"),
    "http_503": _status(503, "Service Unavailable", NOT_REPORTED),
    "http_429": Failure(
        "HTTP 429 with JSON, Retry-After and X-RateLimit headers; repeats key or address",
        "biocommons/bioutils#16, ropensci/rentrez#132",
        lambda asked: failures.throttled(asked.params),
    ),
    "throttled_200": Failure(
        "the same refusal with status 200",
        "https://www.ncbi.nlm.nih.gov/books/NBK25497/",
        lambda _: failures.throttled_in_200(),
    ),
    "key_invalid": Failure(
        "HTTP 400, API key invalid; repeats the key (not among `any`: it would stay)",
        "sul-dlss/sul_pub",
        lambda asked: failures.invalid_key(asked.params.get("api_key")),
        any=False,
    ),
    "error_in_200": Failure(
        "an outage as ERROR in a 200: Database is not supported: pubmed",
        "biopython/biopython#5025, metapub/metapub#73",
        partial(_error, _UNSUPPORTED),
    ),
    "search_backend": Failure(
        "an outage as ERROR in a 200: Unable to open connection to #PMQuerySrv",
        "AlexsLemonade/refinebio#1390",
        partial(_error, _NO_QUERY_SERVER),
        SEARCH,
    ),
    "cpp_exception": Failure(
        "NCBI C++ Exception in a 200, with a raw line feed, which is no valid JSON",
        "ncbi/clinvar#4, jannisborn/paperscraper#40",
        partial(_error, _EXCEPTION),
    ),
    "history_lost": Failure(
        "a set on the history server is gone: Unable to obtain query",
        "hherb/bmlibrarian_lite",
        _lost,
        frozenset(ENDPOINTS) - {"epost"},
        _uses_history,
    ),
    "timeout_400": Failure(
        "HTTP 400: External viewer error ... Status: Timeout; it passes although it is a 4xx",
        f"{CYANHEADS}#153",
        partial(_viewer_error, _TIMEOUT, 400),
    ),
    "timeout_200": Failure(
        "the same words in a 200", f"{CYANHEADS}#153", partial(_viewer_error, _TIMEOUT, 200)
    ),
    "proxy_400": Failure(
        "HTTP 400 that relays a 502 page: proxy_stream(), Failed to connect to PubOne",
        f"{CYANHEADS}#155",
        lambda _: failures.relayed_page(),
        FETCH,
    ),
    "ids_invalid_400": Failure(
        "HTTP 400: ID list is empty! Possibly it has no correct IDs, of ids that are correct",
        f"{CYANHEADS}#155, PathwayCommons/factoid#655",
        partial(_viewer_error, _NO_IDS, 400),
        FETCH,
    ),
    "html_page": Failure(
        "a web page in a 200: WWW Error Blocked",
        "biocommons/eutils#134, wcmc-its/ReCiter-PubMed-Retrieval-Tool#166",
        partial(_page, "Blocked", "Access Denied", 200),
    ),
    "misuse_redirect": Failure(
        "HTTP 302 to NCBI's misuse page (served here), which is a 200",
        "biocommons/eutils#134",
        lambda _: failures.redirect_to_misuse(),
    ),
    "unroutable": Failure(
        "Unable to route request! in plain text and a 200",
        "ARTbio/tools-artbio#425",
        lambda _: failures.unroutable(),
    ),
    "lb_neg": Failure(
        "JSON of the load balancer in a 200: /lbsm/eutils_lb -> Neg, status ok",
        "zakcali/pubmedapi",
        lambda asked: failures.front_end("/lbsm/eutils_lb -> Neg", asked.params),
    ),
    "forwarding": Failure(
        "HTTP 502 with JSON: error forwarding request",
        "told beside lb_neg, without a report of its own",
        lambda asked: failures.front_end("error forwarding request", asked.params, 502),
    ),
    "scoring_failed": Failure(
        "elink fails with cmd=neighbor_score only: TXCLIENT ... Read failed: EOF",
        f"{CYANHEADS}#53",
        partial(_error, _SCORING),
        LINK,
        _scores,
    ),
    "address_table": Failure(
        "elink has no address of its backend: no LinkSet at all",
        f"biopython/biopython#4980, {CYANHEADS}#16",
        partial(_error, _NO_ADDRESSES),
        LINK,
    ),
}
