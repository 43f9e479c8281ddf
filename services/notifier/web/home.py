"""The first page: which topics there are, and that one can subscribe."""

from fastapi import APIRouter, Response

from services.notifier.web import topics
from services.notifier.web.house import House
from services.notifier.web.pages import page
from shared.database import transaction


def router(house: House) -> APIRouter:
    """The page `/`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def home() -> Response:
        async with transaction(house.engine) as connection:
            found = await topics.topics(connection, house.clock())
        return page(house, "home.html.j2", {"topics": found, "here": "home"})

    return routes
