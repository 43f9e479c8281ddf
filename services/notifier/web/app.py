"""The composition of the pages."""

from fastapi import FastAPI

from services.notifier.web.house import House


def make_web(house: House) -> FastAPI:
    """The application with all its pages."""
    app = FastAPI(title="Carillon", openapi_url="/api/openapi.json", docs_url=None, redoc_url=None)
    app.state.house = house
    return app
