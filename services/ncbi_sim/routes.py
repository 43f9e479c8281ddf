"""The HTTP side: E-utilities under /entrez/eutils/, and /_sim/ to steer and watch the stand-in."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from starlette.responses import PlainTextResponse, Response

from services.ncbi_sim.answers import Answer, text_answer
from services.ncbi_sim.efetch import efetch
from services.ncbi_sim.elink import elink
from services.ncbi_sim.epost import epost
from services.ncbi_sim.esearch import esearch
from services.ncbi_sim.esummary import esummary
from services.ncbi_sim.failures import (
    MISUSE_PATH,
    backend_error,
    invalid_key,
    limit_headers,
    page,
    respond,
    too_many_requests,
    uri_too_long,
)
from services.ncbi_sim.faults import FaultPlan, Rule, describe
from services.ncbi_sim.history import History
from services.ncbi_sim.kinds import ENDPOINTS
from services.ncbi_sim.params import Params, read_params
from services.ncbi_sim.spoil import Asked
from services.ncbi_sim.throttle import Throttle
from services.ncbi_sim.timeline import Timeline

# About two thousand ids; NCBI answers such a GET with 414.
MAX_QUERY_CHARS = 16_000


@dataclass
class Simulation:
    """The state of one running stand-in. Without a throttle there is no request limit."""

    timeline: Timeline
    now: Callable[[], datetime]
    throttle: Throttle | None
    history: History
    faults: FaultPlan = field(default_factory=FaultPlan)
    requests: Counter[str] = field(default_factory=Counter)

    def answer(self, endpoint: str, params: Params) -> Answer:
        """The healthy answer to a request."""
        refusal = _wrong_database(endpoint, params)
        if refusal is not None:
            return refusal
        if endpoint == "epost":
            return epost(params, self.history)
        serve = {"esearch": esearch, "esummary": esummary, "efetch": efetch, "elink": elink}
        return serve[endpoint](params, self.timeline.at(self.now()), self.history)

    def respond(self, endpoint: str, params: Params, address: str) -> Response:
        """The response to a request: over the limit, failing on demand, or healthy."""
        self.requests[endpoint] += 1
        api_key = params.get("api_key").strip()
        if params.has("api_key") and not api_key:
            return invalid_key(api_key)
        excess = self.throttle.check(api_key, address) if self.throttle else None
        if excess is not None:
            return too_many_requests(excess)
        healthy = self.answer(endpoint, params)
        again = partial(self.answer, endpoint)
        failed = self.faults.response(Asked(endpoint, params, healthy, again))
        return failed or respond(healthy, self._limit_headers(api_key, address))

    def _limit_headers(self, api_key: str, address: str) -> dict[str, str]:
        return limit_headers(*self.throttle.left(api_key, address)) if self.throttle else {}


def _wrong_database(endpoint: str, params: Params) -> Answer | None:
    names = ("dbfrom", "db") if endpoint == "elink" else ("db",)
    if endpoint != "elink" and not params.get("db"):
        return text_answer("Mandatory parameter: db - is omitted", 400)
    wrong = [params.get(name) for name in names if params.get(name, "pubmed") not in {"pubmed", ""}]
    if not wrong:
        return None
    if endpoint == "epost":
        return backend_error(endpoint, params, "Wrong DB name")
    return backend_error(endpoint, params, f"Invalid db name specified: {wrong[0]}")


def eutils_router(simulation: Simulation) -> APIRouter:
    """The five E-utilities, by GET and by form-encoded POST."""
    router = APIRouter(prefix="/entrez/eutils")
    for endpoint in ENDPOINTS:
        serve = _handler(simulation, endpoint)
        router.add_api_route(f"/{endpoint}.fcgi", serve, methods=["GET", "POST"])
    return router


def _handler(simulation: Simulation, endpoint: str) -> Callable[[Request], object]:
    async def serve(request: Request) -> Response:
        if len(request.url.query) > MAX_QUERY_CHARS:
            return uri_too_long()
        params = read_params(request.url.query, await request.body())
        address = request.client.host if request.client else "127.0.0.1"
        return simulation.respond(endpoint, params, address)

    return serve


def control_router(simulation: Simulation) -> APIRouter:
    """Health, failures on demand, and the count of requests."""
    router = APIRouter()

    @router.get("/livez")
    async def livez() -> Response:
        return PlainTextResponse("ok\n")

    @router.post("/_sim/faults", status_code=204)
    async def add_faults(rules: Annotated[list[Rule], Body()]) -> None:
        simulation.faults.add(rules)

    @router.get("/_sim/faults")
    async def faults() -> dict[str, Any]:
        plan = simulation.faults
        return {"rules": plan.rules, "fired": dict(plan.fired), "kinds": describe()}

    @router.get(MISUSE_PATH)
    async def misuse() -> Response:
        return respond(page("Blocked", "Access Denied"))

    @router.delete("/_sim/faults", status_code=204)
    async def clear_faults() -> None:
        simulation.faults.clear()

    @router.get("/_sim/requests")
    async def requests() -> dict[str, int]:
        return {endpoint: simulation.requests[endpoint] for endpoint in ENDPOINTS}

    return router
