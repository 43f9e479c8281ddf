"""The way out: by one click of a mail program (RFC 8058), or by the button of a page.

The token is all that is asked for: no cookie, no form of ours, no redirect. What is repeated, or
about what is gone already, succeeds: the RFC says nothing of it, and who leaves has left.
"""

from datetime import timedelta

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import changes, letters_store, suppression
from services.notifier.listing import present_id
from services.notifier.recipient import MAIL
from services.notifier.subscribers import LEFT, Kept, Unreadable, activate, find
from services.notifier.tokens import BadToken
from services.notifier.web.form import Filled
from services.notifier.web.house import House
from services.notifier.web.pages import page
from services.notifier.web.request import filled
from services.notifier.wording import when
from shared.database import transaction

UNDO_WITHIN = timedelta(hours=1)

log = structlog.get_logger(__name__)


def router(house: House) -> APIRouter:
    """`/leave`."""
    routes = APIRouter(prefix="/leave", include_in_schema=False)

    @routes.get("")
    async def show(token: str = "") -> Response:
        name = house.tokens.read("leave", token, house.clock())
        async with transaction(house.engine) as connection:
            kept = await _found(connection, name)
        return await _page(house, "ask", token, kept)

    @routes.post("")
    async def act(request: Request) -> Response:
        given = await filled(request)
        token = request.query_params.get("token", "") or given.one("token")
        name = house.tokens.read("leave", token, house.clock())
        return await _acted(house, token, name, given)

    return routes


async def _acted(house: House, token: str, name: str, given: Filled) -> Response:
    action, undo = given.one("action"), None
    async with transaction(house.engine) as connection:
        kept = await _found(connection, name)
        state = "left"
        if action == "undo" and kept and _may_undo(house, kept, given.one("undo")):
            await activate(connection, kept.subscription.id)
            state = "back"
        elif action == "never" and kept and kept.subscription.channel in MAIL:
            await suppression.suppress(connection, kept.recipient, "asked", house.clock())
            state = "never"
        if state != "back":
            await changes.leave(connection, await present_id(connection, name))
    if state == "left" and kept and kept.active:
        undo = house.tokens.sign("form", _undoing(kept), house.clock() + UNDO_WITHIN)
    log.info("leave_asked", subscription_id=name, state=state)
    return await _page(house, state, token, kept, undo)


def _may_undo(house: House, kept: Kept, token: str) -> bool:
    """Whether this is who has just left: the link to leave alone is in mails that are passed on."""
    try:
        is_own = house.tokens.read("form", token, house.clock()) == _undoing(kept)
    except BadToken:
        return False
    return is_own and not kept.suppressed and (kept.active or kept.inactive_reason == LEFT)


def _undoing(kept: Kept) -> str:
    return f"undo {kept.subscription.id}"


async def _found(connection: AsyncConnection, name: str) -> Kept | None:
    """The subscription, if it is there and can be read: who leaves has to read nothing."""
    try:
        return await find(connection, await present_id(connection, name))
    except Unreadable:
        return None


async def _page(
    house: House, state: str, token: str, kept: Kept | None, undo: str | None = None
) -> Response:
    one = kept.subscription if kept else None
    async with transaction(house.engine) as connection:
        title = await letters_store.title(connection, one.topic) if one else ""
    told = {
        "state": state,
        "token": token,
        "undo": undo,
        "title": title,
        "when": when(one) if one else "",
        "has_mailbox": bool(one and one.channel in MAIL),
    }
    return page(house, "leave.html.j2", told)
