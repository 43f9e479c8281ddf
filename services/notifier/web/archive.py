"""The archive's pages: search, articles, digests, downloads. They share one set of shelves."""

from fastapi import APIRouter

from services.notifier.archive.shelves import Shelves
from services.notifier.web import article_page, digest_page, downloads, topic_page
from services.notifier.web.house import House


def router(house: House) -> APIRouter:
    """All routes of the archive."""
    shelves = Shelves(house.engine)
    routes = APIRouter()
    # Downloads first: their addresses are those of pages with an ending.
    for part in (downloads, topic_page, article_page, digest_page):
        routes.include_router(part.router(house, shelves))
    return routes
