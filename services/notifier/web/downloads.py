"""Searches and articles to take along (RIS, NBIB, BibTeX, CSV, JSON Lines), and searches as feeds.

A download is read and sent in chunks: however large it is, only a few hundred articles are held.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from services.notifier.archive import follow, store
from services.notifier.archive.asked import read
from services.notifier.archive.shelves import Shelves
from services.notifier.export.forms import FORMS, Form
from services.notifier.render import atom, json_feed
from services.notifier.render.feed import Address, Feed
from services.notifier.web.about import about_topic
from services.notifier.web.conditional import SHARED, answered
from services.notifier.web.faults import NOT_FOUND, Refused
from services.notifier.web.house import House
from shared.database import transaction

CHUNK = 200
"""Articles read at once."""

CHANGES = 200
"""Changes of status that are looked through for a feed, the last ones."""

FEEDS = {
    "atom": (atom.written, "application/atom+xml"),
    "json": (json_feed.written, "application/feed+json"),
}


def router(house: House, shelves: Shelves) -> APIRouter:
    """`/topics/{topic}.{form}` and `/articles/{topic}/{pmid}.{form}`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/topics/{topic}.{form}")
    async def search(topic: str, form: str, request: Request) -> Response:
        if form in FEEDS:
            return await _feed(house, shelves, topic, form, request)
        known_form(form)
        await about_topic(house, topic)
        answer = await shelves.answer(topic, read(request.query_params.multi_items()))
        return download(house, topic, answer.pmids(), (topic, form))

    @routes.get("/articles/{topic}/{pmid}.{form}")
    async def article(topic: str, pmid: str, form: str) -> Response:
        known_form(form)
        async with transaction(house.engine) as connection:
            known = await store.entry(connection, topic, pmid)
        if known is None:
            raise Refused(NOT_FOUND)
        return download(house, topic, [known.pmid], (f"{topic}-{known.pmid}", form))

    return routes


def known_form(form: str) -> Form:
    """The form of that ending.

    Raises:
        Refused: there is none.
    """
    if form not in FORMS:
        raise Refused(NOT_FOUND)
    return FORMS[form]


def download(
    house: House, topic: str, pmids: Sequence[int], name: tuple[str, str]
) -> StreamingResponse:
    """These articles as a file of that `name` and form, in this order."""
    form = known_form(name[1])
    headers = {"Content-Disposition": f'attachment; filename="{".".join(name)}"'}
    kind = f"{form.media_type}; charset=utf-8"
    return StreamingResponse(_file(house, topic, pmids, form), headers=headers, media_type=kind)


async def _file(house: House, topic: str, pmids: Sequence[int], form: Form) -> AsyncIterator[bytes]:
    yield form.head().encode()
    for start in range(0, len(pmids), CHUNK):
        async with transaction(house.engine) as connection:
            found = await store.entries(connection, topic, pmids[start : start + CHUNK])
        yield "".join(map(form.record, found)).encode("utf-8", "replace")


async def _feed(
    house: House, shelves: Shelves, topic: str, form: str, request: Request
) -> Response:
    about = await about_topic(house, topic)
    answer = await shelves.answer(topic, read(request.query_params.multi_items()))
    async with transaction(house.engine) as connection:
        found = await store.entries(connection, topic, follow.newest(answer))
        changed = await store.lately_changed(connection, topic, follow.KINDS, CHANGES)
    query = answer.asked.at(1).query()
    behind = f"?{query}" if query else ""
    page = f"{house.public_url}/topics/{topic}"
    address = Address(f"{page}.{form}{behind}", house.public_url)
    kept = follow.concerned(answer, changed)
    made = follow.feed((topic, about.title), address, f"{page}{behind}", found, kept)
    touched = max((one.classified_at for one in found), default=made.updated)
    return feed_response(request, replace(made, updated=max(made.updated, touched)), form, SHARED)


def feed_response(request: Request, made: Feed, form: str, caching: str) -> Response:
    """A feed in its form, or 304."""
    written, media_type = FEEDS[form]
    return answered(request, written(made), media_type, made.updated, caching)
