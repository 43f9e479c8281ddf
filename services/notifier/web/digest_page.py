"""A digest on the web, whole, and the feeds of a subscription. Who has the link may read it."""

from fastapi import APIRouter, Request, Response

from services.notifier.archive import digests, plots
from services.notifier.archive.shelves import Shelves
from services.notifier.digest import Digest
from services.notifier.export.forms import FORMS
from services.notifier.render import coverage, summary
from services.notifier.render.feed import Address, of_digests
from services.notifier.render.ties import tie_lines
from services.notifier.subject import subject
from services.notifier.web.about import about_topic
from services.notifier.web.conditional import OWN
from services.notifier.web.downloads import FEEDS, download, feed_response
from services.notifier.web.faults import NOT_FOUND, Fault, Refused
from services.notifier.web.house import House
from services.notifier.web.pages import page
from services.notifier.web.topic_page import DOWNLOADS, shown
from shared.database import transaction

HIDDEN = {"X-Robots-Tag": "noindex, nofollow"}
"""Search engines leave out what a link alone opens."""

GONE = Fault(
    410,
    "This digest is not kept any more",
    "It was removed, with the subscription that it belonged to. What is in the archive is there.",
)
LEFT = Fault(
    410,
    "This feed has ended",
    "Its subscription was not confirmed, was switched off, or has been left.",
)


def router(house: House, shelves: Shelves) -> APIRouter:
    """`/digests/{token}`, its downloads, and `/feeds/{token}.atom` and `.json`."""
    del shelves
    routes = APIRouter(include_in_schema=False)

    @routes.get("/digests/{name}")
    async def digest(name: str) -> Response:
        token, form = split(name)
        found = await read_digest(house, token)
        if form:
            pmids = [item.pmid for item in found.everything]
            made = download(house, found.topic, pmids, (f"digest-{found.period_to:%Y-%m-%d}", form))
            made.headers.update(HIDDEN)
            return made
        return page(house, "digest.html.j2", _told(token, found), headers=HIDDEN)

    @routes.get("/feeds/{token}.{form}")
    async def feed(token: str, form: str, request: Request) -> Response:
        if form not in FEEDS:
            raise Refused(NOT_FOUND)
        subscription_id = house.tokens.read("feed", token, house.clock())
        async with transaction(house.engine) as connection:
            owner = await digests.follower(connection, subscription_id)
            if owner is None:
                raise Refused(LEFT)
            sent = await digests.last_sent(connection, owner.id)
            now = await digests.standings(connection, sent)
        about = await about_topic(house, owner.topic)
        address = Address(f"{house.public_url}/feeds/{token}.{form}", house.public_url)
        shown_now = [digests.as_of_now(one, now) for one in sent]
        changes = {pmid: at for pmid, (_, at) in now.items() if at}
        made = of_digests(shown_now, address, about.title, changes)
        answer = feed_response(request, made, form, OWN)
        answer.headers.update(HIDDEN)
        return answer

    return routes


def split(name: str) -> tuple[str, str]:
    """A token and the form asked for behind it, if there is one: a token has a dot in it itself."""
    token, _, ending = name.rpartition(".")
    return (token, ending) if ending in FORMS else (name, "")


async def read_digest(house: House, token: str) -> Digest:
    """The digest that a token opens.

    Raises:
        BadToken: it is not one of ours.
        Refused: the digest is not there any more.
    """
    digest_id = house.tokens.read("digest", token, house.clock())
    async with transaction(house.engine) as connection:
        found = await digests.digest(connection, digest_id)
    if found is None:
        raise Refused(GONE)
    return found


def _told(token: str, digest: Digest) -> dict[str, object]:
    months = plots.of_trend(digest.trend) if digest.trend else None
    return {
        "digest": digest,
        "subject": subject(digest),
        "coverage": coverage,
        "summary": summary,
        "tie_lines": tie_lines,
        "months": months,
        "drawing": months and plots.drawn(months),
        "downloads": DOWNLOADS,
        "token": token,
        **shown(),
    }
