"""The first page: which topics there are, what is new in them, and that one can subscribe."""

from fastapi import APIRouter, Response

from services.notifier.archive import store
from services.notifier.archive.asked import USUAL_SCOPES
from services.notifier.item import item
from services.notifier.web import topics
from services.notifier.web.house import House
from services.notifier.web.pages import page
from services.notifier.web.topic_page import shown
from shared.database import transaction

LATEST = 5
"""Articles of each topic that are named at once."""


def router(house: House) -> APIRouter:
    """The page `/`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def home() -> Response:
        async with transaction(house.engine) as connection:
            found = await topics.topics(connection, house.clock())
            latest = {
                one.id: [
                    item(known.entry)
                    for known in await store.latest(connection, one.id, USUAL_SCOPES, LATEST)
                ]
                for one in found
            }
        told = {"topics": found, "latest": latest, "here": "home", **shown()}
        return page(house, "home.html.j2", told)

    return routes
