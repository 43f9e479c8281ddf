"""One's own subscriptions, behind a mailed link: change, pause, leave, take along, delete.

The token says whose page it is and stands in a hidden field of every form; there is no cookie.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import changes, personal, suppression
from services.notifier.subscribers import Kept, activate, everybody
from services.notifier.web import form, previews
from services.notifier.web.choices import choices
from services.notifier.web.form import Filled
from services.notifier.web.house import House
from services.notifier.web.pages import instant, page
from services.notifier.web.request import filled
from services.notifier.web.rows import row
from services.notifier.wording import where
from shared.database import transaction

log = structlog.get_logger(__name__)

GONE = "There is no such subscription any more."
DELETED = {
    "title": "Everything is deleted",
    "paragraphs": (
        "Nothing about you is on record any more, but for what keeps you from being written to, "
        "where you asked for that or the operator's file lists you.",
    ),
    "way": None,
}
_SUPPRESSED = {
    "bounce": "mails to it came back",
    "complaint": "a mail of ours was reported as spam",
    "asked": "you asked for that",
    "operator": "the operator has barred it",
}


@dataclass(frozen=True)
class Visit:
    """Whose page it is: the token, and the hash of the mailbox."""

    token: str = field(repr=False)
    who: str


def router(house: House) -> APIRouter:
    """`/manage`."""
    routes = APIRouter(prefix="/manage", include_in_schema=False)

    @routes.get("")
    async def show(token: str = "") -> Response:
        return await _page(house, _visit(house, token))

    @routes.post("")
    async def act(request: Request) -> Response:
        given = await filled(request)
        visit = _visit(house, given.one("token"))
        match given.one("action"):
            case "export":
                return await _export(house, visit)
            case "forget":
                return await _forget_page(house, visit)
            case "forget-now":
                return await _forget(house, visit, never=given.has("never", "yes"))
            case "change":
                return await _change_page(house, visit, given)
            case "":
                return await _page(house, visit)
            case action:
                return await _acted(house, visit, given, action)

    @routes.post("/change")
    async def change(request: Request) -> Response:
        given = await filled(request)
        return await _changed(house, request, _visit(house, given.one("token")), given)

    return routes


def _visit(house: House, token: str) -> Visit:
    return Visit(token, house.tokens.read("manage", token, house.clock()))


async def own(connection: AsyncConnection, who: str, name: str) -> Kept | None:
    """A subscription, if it is this person's."""
    return next((k for k in await everybody(connection, who) if k.subscription.id == name), None)


async def _page(house: House, visit: Visit, done: str = "", fault: str = "") -> Response:
    offer, now = await choices(house), house.clock()
    async with transaction(house.engine) as connection:
        kept = await everybody(connection, visit.who)
        listed = await suppression.suppressed(connection)
    barred = next((one.reason for one in listed if one.recipient == visit.who), "")
    told = {
        "here": "link",
        "token": visit.token,
        "rows": [row(one, offer, now) for one in kept],
        "feeds": {
            one.subscription.id: house.tokens.sign("feed", one.subscription.id)
            for one in kept
            if one.active and one.subscription.confirmed_at
        },
        "done": done,
        "fault": fault,
        "suppressed": _SUPPRESSED.get(barred, ""),
        "tomorrow": (now + timedelta(days=1)).date().isoformat(),
    }
    return page(house, "manage.html.j2", told, 422 if fault else 200)


async def _acted(house: House, visit: Visit, given: Filled, action: str) -> Response:
    async with transaction(house.engine) as connection:
        kept = await own(connection, visit.who, given.one("id"))
        done, fault = await act_on(connection, kept, action, given.one("until"), house.clock())
    if kept and done:
        log.info("subscription_managed", subscription_id=kept.subscription.id, action=action)
    return await _page(house, visit, done, fault)


async def act_on(
    connection: AsyncConnection, kept: Kept | None, action: str, until: str, now: datetime
) -> tuple[str, str]:
    """Do to a person's own subscription what they ask; what was done, or why not."""
    if kept is None:
        return "", GONE
    name = kept.subscription.id
    match action:
        case "leave":
            await changes.leave(connection, name)
            return "You have left. Nothing more of it is sent to you.", ""
        case "resume":
            await changes.resume(connection, name, now)
            return "It goes on. The next digest brings what was new meanwhile.", ""
        case "return":
            await activate(connection, name)
            await changes.confirm(connection, name, now)  # the link came to their own mailbox
            return "It is on again.", ""
        case "pause":
            return await _pause(connection, kept, until, now)
    return "", "That button is not known here."


async def _pause(
    connection: AsyncConnection, kept: Kept, until: str, now: datetime
) -> tuple[str, str]:
    one = kept.subscription
    if not until:
        await changes.pause(connection, one.id, None, now)
        return "Paused until you come back.", ""
    try:
        day = date.fromisoformat(until)
        end = datetime.combine(day, time(), one.zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return "", "Please write the day as year-month-day: 2027-03-01."
    if end <= now:
        return "", "A pause has to end on a day to come."
    await changes.pause(connection, one.id, end, now)
    return f"Paused until {instant(end)}.", ""


async def _export(house: House, visit: Visit) -> Response:
    async with transaction(house.engine) as connection:
        found = await personal.export(connection, visit.who)
    text = json.dumps(found, indent=2, ensure_ascii=False, sort_keys=True)
    headers = {"Content-Disposition": 'attachment; filename="carillon-my-data.json"'}
    return Response(text, headers=headers, media_type="application/json")


async def _forget_page(house: House, visit: Visit) -> Response:
    async with transaction(house.engine) as connection:
        kept = await everybody(connection, visit.who)
    return page(house, "forget.html.j2", {"token": visit.token, "number": len(kept)})


async def _forget(house: House, visit: Visit, *, never: bool) -> Response:
    async with transaction(house.engine) as connection:
        number = await personal.forget(connection, visit.who, house.clock(), suppressed=never)
    log.info("person_forgotten", subscriptions=number, suppressed=never)
    return page(house, "told.html.j2", DELETED)


async def _change_page(house: House, visit: Visit, given: Filled) -> Response:
    async with transaction(house.engine) as connection:
        kept = await own(connection, visit.who, given.one("id"))
    if kept is None:
        return await _page(house, visit, fault=GONE)
    return await _change_form(house, visit, kept, form.of_wish(kept.subscription), {})


async def _changed(house: House, request: Request, visit: Visit, given: Filled) -> Response:
    async with transaction(house.engine) as connection:
        kept = await own(connection, visit.who, given.one("id"))
    if kept is None:
        return await _page(house, visit, fault=GONE)
    read = form.read_choices(given.with_topic(kept.subscription.topic))
    if read.wish is None:
        return await _change_form(house, visit, kept, given, dict(read.faults))
    if given.one("action") == "preview":
        shown = await previews.preview(house, request, read.wish)
        told = previews.told(shown, read.wish)
        return await _change_form(house, visit, kept, given, {}, told)
    return await _saved(house, visit, kept, given)


async def _saved(house: House, visit: Visit, kept: Kept, given: Filled) -> Response:
    wanted = form.choices(given)
    named = {name: wanted[name] for name in wanted.keys() & changes.CHOICES}
    async with transaction(house.engine) as connection:
        await changes.change(connection, kept.subscription.id, named)
    log.info("subscription_managed", subscription_id=kept.subscription.id, action="change")
    return await _page(house, visit, "Saved. It holds from the next digest on.")


async def _change_form(
    house: House,
    visit: Visit,
    kept: Kept,
    given: Filled,
    faults: dict[str, str],
    shown: Mapping[str, object] = previews.NONE,
) -> Response:
    offer, one = await choices(house), kept.subscription
    told = {
        "here": "link",
        "token": visit.token,
        "id": one.id,
        "title": offer.title(one.topic),
        "where": where(one),
        "offer": offer,
        "form": given,
        "faults": faults,
        **shown,
    }
    return page(house, "change.html.j2", told, 422 if faults else 200)
