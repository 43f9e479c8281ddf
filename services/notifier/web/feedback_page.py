"""What a reader thinks of an article of a digest. Looking changes nothing; sending keeps it."""

from collections.abc import Mapping, Sequence

from fastapi import APIRouter, Request, Response

from services.notifier.archive import digests, remarks, store
from services.notifier.archive.filters import TITLES
from services.notifier.archive.remark import (
    IRRELEVANT,
    LONGEST,
    MISSING,
    SCOPES,
    About,
    Key,
    Said,
    Unclear,
    labels_of,
    read,
)
from services.notifier.archive.shelf import LABEL_FACETS, Shelf
from services.notifier.archive.shelves import Shelves
from services.notifier.item import item
from services.notifier.project import Known
from services.notifier.web import limits
from services.notifier.web.admin import enter
from services.notifier.web.digest_page import GONE, HIDDEN, read_digest
from services.notifier.web.faults import NOT_FOUND, Refused
from services.notifier.web.house import House
from services.notifier.web.pages import page
from services.notifier.web.request import filled
from services.notifier.web.topic_page import shown
from shared.database import transaction

SHOWN = 200
"""Remarks that the operator is shown, the last ones."""


def router(house: House, shelves: Shelves) -> APIRouter:
    """`/digests/{token}/feedback/{pmid}`, and for the operator `/admin/feedback`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/digests/{token}/feedback/{pmid}")
    async def look(token: str, pmid: str) -> Response:
        known, _ = await _about(house, token, pmid)
        shelf = await shelves.shelf(known.entry.topic)
        return _page(house, token, known, shelf, {"said": Said()})

    @routes.post("/digests/{token}/feedback/{pmid}")
    async def send(request: Request, token: str, pmid: str) -> Response:
        known, about = await _about(house, token, pmid)
        await limits.admit(house, request, "feedback")
        given = await filled(request)
        shelf = await shelves.shelf(known.entry.topic)
        said = Said(given.one("what"), given.one("wanted"), given.one("remark"))
        try:
            kept = read(said, about, _known(shelf), house.clock())
        except Unclear as fault:
            told = {"said": said, "fault": str(fault)}
            return _page(house, token, known, shelf, told, 422)
        async with transaction(house.engine) as connection:
            await remarks.keep(connection, kept)
        return _page(house, token, known, shelf, {"said": Said(), "is_kept": True})

    @routes.get("/admin/feedback")
    async def listed(request: Request) -> Response:
        await enter(house, request)
        async with transaction(house.engine) as connection:
            rows = await remarks.remarks(connection, SHOWN, newest_first=True)
        return page(house, "admin_feedback.html.j2", {"rows": rows, "most": SHOWN}, headers=HIDDEN)

    return routes


async def _about(house: House, token: str, pmid: str) -> tuple[Known, About]:
    """The article of a digest, and whose digest it is.

    Raises:
        BadToken: the token is not one of ours.
        Refused: the digest is gone, or the article is none of it.
    """
    digest = await read_digest(house, token)
    async with transaction(house.engine) as connection:
        owner = await digests.subscription_of(connection, digest.id)
        known = await store.entry(connection, digest.topic, pmid)
    if owner is None:
        raise Refused(GONE)
    if known is None or known.pmid not in {one.pmid for one in digest.everything}:
        raise Refused(NOT_FOUND)
    return known, About(digest.topic, known.pmid, owner, labels_of(known.entry))


def _known(shelf: Shelf) -> Sequence[Key]:
    labels = [key for key in shelf.names if key[0] != "scope"]
    return [*labels, *(("scope", scope) for scope in SCOPES)]


def _page(
    house: House,
    token: str,
    known: Known,
    shelf: Shelf,
    told: Mapping[str, object],
    status: int = 200,
) -> Response:
    labels = sorted(labels_of(known.entry), key=lambda key: LABEL_FACETS.index(key[0]))
    facts = {
        "token": token,
        "item": item(known.entry),
        "labels": [(f"{f}:{one}", TITLES[f], _name(shelf, (f, one))) for f, one in labels],
        "choices": _choices(shelf),
        "missing": MISSING,
        "irrelevant": IRRELEVANT,
        "longest": LONGEST,
        "fault": "",
        "is_kept": False,
        **shown(),
    }
    return page(house, "feedback.html.j2", {**facts, **told}, status, HIDDEN)


def _choices(shelf: Shelf) -> list[tuple[str, list[tuple[str, str]]]]:
    """For each facet, its labels by name."""
    groups = []
    for facet in LABEL_FACETS:
        keys = [key for key in _known(shelf) if key[0] == facet]
        named = sorted((_name(shelf, key), f"{facet}:{key[1]}") for key in keys)
        groups.append((TITLES[facet], [(value, name) for name, value in named]))
    return [group for group in groups if group[1]]


def _name(shelf: Shelf, key: Key) -> str:
    if key[0] == "scope":
        return SCOPES.get(key[1], "could not be told")
    return shelf.names.get(key, key[1])
