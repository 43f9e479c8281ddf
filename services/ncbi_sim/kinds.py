"""The names of all kinds of failure, and what one is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from starlette.responses import Response

from services.ncbi_sim.answers import Answer
from services.ncbi_sim.failures import respond
from services.ncbi_sim.spoil import Asked

Endpoint = Literal["esearch", "esummary", "efetch", "elink", "epost"]
Kind = Literal[
    "http_500", "http_502", "http_503", "http_429", "throttled_200", "key_invalid",
    "error_in_200", "search_backend", "cpp_exception", "history_lost",
    "timeout_400", "timeout_200", "proxy_400", "ids_invalid_400",
    "html_page", "misuse_redirect", "unroutable", "lb_neg", "forwarding",
    "empty_body", "truncated", "cut_connection", "drop_connection", "reset", "slow",
    "scoring_failed", "address_table", "links_missing",
    "record_missing", "record_wrong", "record_duplicate", "record_malformed", "record_unreadable",
    "ids_missing", "count_wrong", "phrase_dropped", "field_dropped", "field_silent",
    "translation_stack", "summary_missing",
]  # fmt: skip

ENDPOINTS: tuple[Endpoint, ...] = get_args(Endpoint)

EVERYWHERE = frozenset(ENDPOINTS)
SEARCH, FETCH = frozenset({"esearch"}), frozenset({"efetch"})
LINK, SUMMARY = frozenset({"elink"}), frozenset({"esummary"})
CYANHEADS = "cyanheads/pubmed-mcp-server"
NOT_REPORTED = "not reported: what a client must notice all the same"


def _always(_asked: Asked) -> bool:
    return True


@dataclass(frozen=True)
class Failure:
    """A kind of failure.

    `says` is a line for readers, `source` who reported it. `fits` tells whether it can happen to a
    request. `any` is False for what would not pass by itself.
    """

    says: str
    source: str
    make: Callable[[Asked], Answer | Response]
    endpoints: frozenset[str] = EVERYWHERE
    fits: Callable[[Asked], bool] = _always
    any: bool = True

    def happens_to(self, asked: Asked) -> bool:
        """Whether it can happen to this request."""
        return asked.endpoint in self.endpoints and self.fits(asked)

    def response(self, asked: Asked) -> Response:
        """The failure on the wire."""
        made = self.make(asked)
        return made if isinstance(made, Response) else respond(made)
