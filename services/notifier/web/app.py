"""The composition of the pages."""

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from services.notifier.web import (
    admin,
    api,
    archive,
    confirm,
    faults,
    home,
    hooks,
    leave,
    link,
    manage,
    subscribe,
    trace_page,
)
from services.notifier.web.house import House
from services.notifier.web.pages import STATIC
from services.notifier.web.security import Security

PARTS = (home, subscribe, confirm, link, manage, leave, hooks, api, admin, trace_page, archive)
"""The modules with pages; each has a `router(house)`."""


def make_web(house: House) -> FastAPI:
    """The application with all its pages."""
    app = FastAPI(title="Carillon", openapi_url="/api/openapi.json", docs_url=None, redoc_url=None)
    app.state.house = house
    for part in PARTS:
        app.include_router(part.router(house))
    app.mount("/static", StaticFiles(directory=STATIC))
    faults.install(app, house)
    app.add_middleware(Security, house=house)
    return app
