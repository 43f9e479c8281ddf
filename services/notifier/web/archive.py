"""The archive's pages: search, articles, digests, downloads. They share one set of shelves."""

from fastapi import APIRouter

from services.notifier.archive.shelves import Shelves
from services.notifier.web import article_page, topic_page
from services.notifier.web.house import House


def router(house: House) -> APIRouter:
    """All routes of the archive."""
    shelves = Shelves(house.engine)
    routes = APIRouter()
    for part in (topic_page, article_page):
        routes.include_router(part.router(house, shelves))
    return routes
