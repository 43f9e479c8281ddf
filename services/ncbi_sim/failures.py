"""What NCBI's failures look like on the wire."""

import json
from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.ncbi_sim.answers import EFETCH_ERROR, EPOST, HTML, JSON, Answer, xml_error
from services.ncbi_sim.elink import elink_error
from services.ncbi_sim.esearch import esearch_error
from services.ncbi_sim.esummary import esummary_error
from services.ncbi_sim.faults import Kind
from services.ncbi_sim.params import Params
from services.ncbi_sim.throttle import Excess

# Seconds NCBI asks callers over the limit to wait.
_RETRY_AFTER = "2"

_BACKEND = "Search Backend failed: Database is not supported: pubmed"
_TIMEOUT = " Error: External viewer error: Empty Response. Bytes read: 0 Status: Timeout"
_PAGE = (
    "<!DOCTYPE html>\n<html>\n<head><title>NCBI - WWW Error {0} Diagnostic</title></head>\n"
    "<body>\n<h1>{1}</h1>\n<p>This page is what the NCBI stand-in sends when told to fail.</p>\n"
    '<div class="diags">Error: {0}</div>\n</body>\n</html>\n'
)


class DroppedConnection(Response):
    """Announces a body and ends without it, so that the server cuts the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers only."""
        headers = [(b"content-type", b"text/xml"), (b"content-length", b"65536")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


def respond(answer: Answer, headers: Mapping[str, str] | None = None) -> Response:
    """The HTTP response of an answer."""
    return Response(answer.body, answer.status, headers, answer.media_type)


def too_many_requests(excess: Excess) -> Response:
    """HTTP 429; as NCBI does, it repeats the caller's key or address."""
    body = {
        "error": "API rate limit exceeded",
        "api-key": excess.caller,
        "count": str(excess.count),
        "limit": str(excess.limit),
    }
    headers = {
        "Retry-After": _RETRY_AFTER,
        "X-RateLimit-Limit": str(excess.limit),
        "X-RateLimit-Remaining": "0",
    }
    return respond(_json(body, 429), headers)


def invalid_key(api_key: str) -> Response:
    """HTTP 400 for an API key that cannot be one."""
    body = {
        "error": "API key invalid",
        "api-key": api_key,
        "type": "invalid",
        "status": "unknown",
    }
    return respond(_json(body, 400))


def uri_too_long() -> Response:
    """HTTP 414: long id lists have to be sent by POST."""
    return respond(Answer(_PAGE.format(414, "Request-URI Too Long").encode(), HTML, 414))


def failure(kind: Kind, endpoint: str, params: Params, healthy: Answer) -> Response:
    """The response of a failure; `healthy` is what would have been sent."""
    if kind == "drop_connection":
        return DroppedConnection()
    if kind == "http_429":
        return too_many_requests(Excess(params.get("api_key") or "127.0.0.1", 4, 3))
    return respond(_failed(kind, endpoint, params, healthy))


def _failed(kind: Kind, endpoint: str, params: Params, healthy: Answer) -> Answer:
    if kind == "error_in_200":
        return backend_error(endpoint, params, _BACKEND)
    if kind == "timeout_400":
        return xml_error(_TIMEOUT, EFETCH_ERROR, 400)
    if kind == "html_page":
        return Answer(_PAGE.format("Blocked", "Access Denied").encode(), HTML)
    if kind == "http_500":
        return Answer(_PAGE.format(500, "Server Error").encode(), HTML, 500)
    half = healthy.body[: len(healthy.body) // 2] if kind == "truncated" else b""
    return Answer(half, healthy.media_type)


def backend_error(endpoint: str, params: Params, message: str) -> Answer:
    """An ERROR in the envelope of the endpoint."""
    envelopes = {"esearch": esearch_error, "esummary": esummary_error, "elink": elink_error}
    if endpoint in envelopes:
        return envelopes[endpoint](params, message)
    return xml_error(message, EPOST if endpoint == "epost" else EFETCH_ERROR)


def _json(body: Mapping[str, str], status: int) -> Answer:
    return Answer(json.dumps(body, separators=(",", ":")).encode() + b"\n", JSON, status)
