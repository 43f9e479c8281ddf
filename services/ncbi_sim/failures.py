"""What NCBI's failures look like on the wire, whatever was asked."""

import json
from collections.abc import Mapping

from starlette.responses import Response

from services.ncbi_sim.answers import EFETCH_ERROR, EPOST, HTML, JSON, TEXT, Answer, xml_error
from services.ncbi_sim.elink import elink_error
from services.ncbi_sim.esearch import esearch_error
from services.ncbi_sim.esummary import esummary_error
from services.ncbi_sim.params import Params
from services.ncbi_sim.throttle import Excess

# Seconds NCBI asks callers over the limit to wait.
_RETRY_AFTER = "2"
_ADDRESS = "127.0.0.1"

MISUSE_PATH = "/misuse.ncbi.nlm.nih.gov/error/abuse.shtml"
_PAGE = (
    "<!DOCTYPE html>\n<html>\n<head><title>NCBI - WWW Error {0} Diagnostic</title></head>\n"
    "<body>\n<h1>{1}</h1>\n<p>This page is what the NCBI stand-in sends when told to fail.</p>\n"
    '<div class="diags">Error: {0}</div>\n</body>\n</html>\n'
)
_UNROUTABLE = (
    "Unable to route request!\n\nservice name: /http/service/ratecontrol\ndtab:\n\n"
    "base dtab:\n\noverride dtab:\n"
)


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
    headers = {"Retry-After": _RETRY_AFTER, **limit_headers(excess.limit, 0)}
    return respond(_json(body, 429), headers)


def limit_headers(limit: int, remaining: int) -> dict[str, str]:
    """What NCBI says of the request limit with every answer."""
    return {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(remaining)}


def throttled(params: Params) -> Response:
    """The 429 of somebody over the limit."""
    return too_many_requests(Excess(params.get("api_key") or _ADDRESS, 4, 3))


def throttled_in_200() -> Answer:
    """The refusal as it is documented, with status 200."""
    return _json({"error": "API rate limit exceeded", "count": "11"}, 200)


def invalid_key(api_key: str) -> Response:
    """HTTP 400 for an API key that cannot be one."""
    body = {
        "error": "API key invalid",
        "api-key": api_key,
        "type": "invalid",
        "status": "unknown",
    }
    return respond(_json(body, 400))


def front_end(error: str, params: Params, status: int = 200) -> Answer:
    """NCBI's load balancer speaks, in JSON whatever was asked for; its status says ok."""
    key = params.get("api_key")
    kind = "key" if key else "ip"
    body = {"error": error, "api-key": key or _ADDRESS, "type": kind, "status": "ok"}
    return _json(body, status)


def unroutable() -> Answer:
    """NCBI's router, in plain text."""
    return Answer(_UNROUTABLE.encode(), TEXT)


def uri_too_long() -> Response:
    """HTTP 414: long id lists have to be sent by POST."""
    return respond(page(414, "Request-URI Too Long", 414))


def page(error: object, heading: str, status: int = 200) -> Answer:
    """A web page."""
    return Answer(_PAGE.format(error, heading).encode(), HTML, status)


def relayed_page() -> Answer:
    """HTTP 400: efetch relays the web page of a service behind it that failed with 502."""
    message = (
        "Error: proxy_stream(): remote server returned HTTP error 502: <html><head>"
        "<title>502 Bad Gateway</title></head><body>Failed to connect to PubOne service</body>"
        "</html>"
    )
    return xml_error(message, EFETCH_ERROR, 400)


def redirect_to_misuse() -> Response:
    """HTTP 302 to the page that blocked callers see. It is served here: nothing leaves."""
    return Response(status_code=302, headers={"Location": MISUSE_PATH})


def backend_error(endpoint: str, params: Params, message: str) -> Answer:
    """An ERROR in the envelope of the endpoint."""
    envelopes = {"esearch": esearch_error, "esummary": esummary_error, "elink": elink_error}
    if endpoint in envelopes:
        return envelopes[endpoint](params, message)
    return xml_error(message, EPOST if endpoint == "epost" else EFETCH_ERROR)


def _json(body: Mapping[str, str], status: int) -> Answer:
    return Answer(json.dumps(body, separators=(",", ":")).encode() + b"\n", JSON, status)
