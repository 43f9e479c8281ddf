"""A topic's archive: search, filters with counts, pictures, and what is found, page by page."""

from collections.abc import Mapping
from datetime import date, timedelta

from fastapi import APIRouter, Request, Response

from services.notifier.archive import filters, plots, store
from services.notifier.archive.asked import PAGE, USUAL_SCOPES, Answer, read
from services.notifier.archive.shelf import Shelf
from services.notifier.archive.shelves import Shelves
from services.notifier.item import Item, item
from services.notifier.render import words
from services.notifier.render.html import title_markup
from services.notifier.standing import STANDINGS
from services.notifier.web.about import about_topic
from services.notifier.web.house import House
from services.notifier.web.pages import page
from shared.database import transaction

WEEK = timedelta(days=7)

DOWNLOADS = (
    ("ris", "RIS"), ("nbib", "NBIB"), ("bib", "BibTeX"), ("csv", "CSV"), ("jsonl", "JSON Lines"),
)  # fmt: skip


def router(house: House, shelves: Shelves) -> APIRouter:
    """The page `/topics/{topic}`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/topics/{topic}")
    async def archive(topic: str, request: Request) -> Response:
        about = await about_topic(house, topic)
        answer = await shelves.answer(topic, read(request.query_params.multi_items()))
        async with transaction(house.engine) as connection:
            known = await store.entries(connection, topic, answer.page())
        since = (house.clock() - WEEK).date()
        told = {
            **_told(topic, answer),
            "topic": about,
            "items": [item(one.entry) for one in known],
            "week": since,
            "new": news_since(answer.shelf, since),
        }
        return page(house, "topic.html.j2", told)

    return routes


def _told(topic: str, answer: Answer) -> dict[str, object]:
    months = plots.by_month(answer)
    number = min(answer.asked.page, answer.pages)
    return {
        "number": number,
        "first": (number - 1) * PAGE + 1,
        "answer": answer,
        "asked": answer.asked,
        "query": answer.asked.at(1).query(),
        "filters": filters.filters(answer),
        "active": filters.active(answer),
        "months": months,
        "drawing": plots.drawn(months) if months else None,
        "heat": plots.heat(answer),
        "heat_open": True,
        "shown_values": filters.SHOWN,
        "downloads": DOWNLOADS,
        "subscribing": filters.subscribing(topic, answer.asked),
        **shown(),
    }


def news_since(shelf: Shelf, day: date) -> int:
    """How many articles the watch found since that day, as news within the usual scopes."""
    some = shelf.since(day) & shelf.having("origin", ["news"])
    return (some & shelf.having("scope", USUAL_SCOPES)).bit_count()


def shown() -> Mapping[str, object]:
    """What templates need to show articles and numbers."""
    return {
        "words": words,
        "title_markup": title_markup,
        "plots": plots,
        "with_only": filters.with_only,
        "with_order": filters.with_order,
        "fate": fate,
    }


def fate(shown_item: Item) -> str:
    """The class of an article that does not stand any more, or is doubted."""
    standing = STANDINGS.get(shown_item.status)
    return "gone" if standing and standing.is_gone else ""
