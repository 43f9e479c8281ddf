"""The composition root of the NCBI stand-in."""

import logging
import sys
import time
from collections.abc import Callable, Sequence

import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse, Response

from services.ncbi_sim.catalogue import Catalogue, load_catalogue
from services.ncbi_sim.faults import Rule
from services.ncbi_sim.history import History
from services.ncbi_sim.paging import CAP
from services.ncbi_sim.routes import Simulation, control_router, eutils_router
from services.ncbi_sim.settings import Settings
from services.ncbi_sim.throttle import Throttle
from services.ncbi_sim.timeline import Timeline
from shared.clock import Clock, clock_from, system_clock
from shared.errors import ConfigurationError
from shared.logs import configure_logging


def create_app(
    catalogue: Catalogue,
    *,
    now: Clock = system_clock,
    faults: Sequence[Rule] = (),
    rate_limit: bool = True,
    cap: int = CAP,
    clock: Callable[[], float] = time.monotonic,
) -> FastAPI:
    """The stand-in as an ASGI application.

    `now` gives the simulated instant (aware) and is asked at each request. `cap` is how many
    records of a search can be retrieved. `clock` gives seconds, for the request limit only.
    """
    throttle = Throttle(clock) if rate_limit else None
    simulation = Simulation(Timeline(catalogue), now, throttle, History(now, cap))
    simulation.faults.add(faults)
    app = FastAPI(title="NCBI E-utilities stand-in", docs_url=None, redoc_url=None)
    app.include_router(eutils_router(simulation))
    app.include_router(control_router(simulation))
    app.add_exception_handler(ConfigurationError, _misconfigured)
    return app


async def _misconfigured(_request: Request, error: Exception) -> Response:
    return PlainTextResponse(f"{error}\n", status_code=503)


def app_from_settings(settings: Settings) -> FastAPI:
    """The application as configured.

    Raises:
        ConfigurationError: the catalogue cannot be used.
    """
    now = clock_from(settings.clock_file)
    catalogue = load_catalogue(settings.catalogue_path)
    return create_app(catalogue, now=now, rate_limit=settings.rate_limit, cap=settings.cap)


def main() -> None:
    """Serve until told to stop."""
    settings = Settings()
    app = app_from_settings(settings)
    configure_logging("ncbi-sim", level=logging.WARNING, stream=sys.stdout)
    uvicorn.run(app, host=settings.host, port=settings.port, log_config=None, access_log=False)
