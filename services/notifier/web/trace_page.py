"""For the operator: one article's life, whom it was told, and why others were not told it.

Behind the operator's password, apart from the article's page: what readers get is nobody else's.
Even here subscriptions are ids and numbers, never addresses.
"""

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response

from services.notifier.archive.history import Happening, history
from services.notifier.item import clean
from services.notifier.trace.delivery import Delivery, happenings, named
from services.notifier.trace.fate import grouped, merged
from services.notifier.trace.life import Life, lives, sent_by_replays
from services.notifier.web.admin import enter
from services.notifier.web.digest_page import HIDDEN
from services.notifier.web.house import House
from services.notifier.web.pages import page

LARGEST = 2**31 - 1
"""PMIDs have eight digits; a number beyond a column's would be a fault of the database."""


def router(house: House) -> APIRouter:
    """`/admin/articles?pmid=...`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/admin/articles")
    async def article(request: Request, pmid: str = "") -> Response:
        await enter(house, request)
        number = _number(pmid)
        found = await lives(house.engine, number, None, house.clock()) if number else []
        shown = [_told(one, await _again(house, one)) for one in found]
        told = {"pmid": pmid[:20], "number": number, "lives": shown}
        status = 200 if found or not pmid else 404
        return page(house, "admin_article.html.j2", told, status, HIDDEN)

    return routes


def _number(text: str) -> int | None:
    """The PMID that was asked for; None for what is none."""
    text = text.strip()
    is_number = text.isascii() and text.isdigit() and len(text) < 11
    return int(text) if is_number and 0 < int(text) <= LARGEST else None


async def _again(house: House, life: Life) -> Sequence[Delivery]:
    return await sent_by_replays(house.engine, life.known.pmid, life.topic)


def _told(life: Life, again: Sequence[Delivery]) -> dict[str, object]:
    return {
        "topic": life.topic,
        "title": clean(life.known.entry.article.title),
        "moments": moments(life, again),
        "untold": [(one, named(one.ids)) for one in grouped(life.fates)],
        "doubts": life.doubts,
    }


def moments(life: Life, again: Sequence[Delivery]) -> Sequence[Happening]:
    """What became of it and whom it was told, in the order of time."""
    past = history(life.steps, background=life.known.backfill)
    return merged(reversed(past), happenings([*life.deliveries, *again]))
