"""The archive's pages: search, articles, digests, downloads. They share one set of shelves."""

from fastapi import APIRouter

from services.notifier.archive.shelves import Shelves
from services.notifier.web import (
    archive_api,
    article_page,
    digest_page,
    downloads,
    feedback_page,
    topic_page,
)
from services.notifier.web.house import House

PARTS = (downloads, topic_page, article_page, digest_page, feedback_page, archive_api)
"""Downloads first: their addresses are those of pages with an ending."""


def router(house: House) -> APIRouter:
    """All routes of the archive."""
    shelves = Shelves(house.engine)
    routes = APIRouter()
    for part in PARTS:
        routes.include_router(part.router(house, shelves))
    return routes
