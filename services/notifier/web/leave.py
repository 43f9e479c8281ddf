"""The way out: by one click of a mail program (RFC 8058), or by the button of a page.

The token is all that is asked for: no cookie, no form of ours, no redirect. What is repeated, or
about what is gone already, succeeds: the RFC says nothing of it, and who leaves has left.
"""

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import changes, suppression
from services.notifier.recipient import MAIL
from services.notifier.subscribers import LEFT, Kept, Unreadable, activate, find
from services.notifier.web.choices import choices
from services.notifier.web.house import House
from services.notifier.web.pages import page
from services.notifier.web.request import filled
from services.notifier.wording import facts
from shared.database import transaction

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
        return await _acted(house, token, name, given.one("action"))

    return routes


async def _acted(house: House, token: str, name: str, action: str) -> Response:
    async with transaction(house.engine) as connection:
        kept = await _found(connection, name)
        state = "left"
        if action == "undo" and kept and kept.inactive_reason == LEFT and not kept.suppressed:
            await activate(connection, name)
            state = "back"
        elif action == "never" and kept and kept.subscription.channel in MAIL:
            await suppression.suppress(connection, kept.recipient, "asked", house.clock())
            state = "never"
        if state != "back":
            await changes.leave(connection, name)
    log.info("leave_asked", subscription_id=name, state=state)
    return await _page(house, state, token, kept)


async def _found(connection: AsyncConnection, name: str) -> Kept | None:
    """The subscription, if it is there and can be read: who leaves has to read nothing."""
    try:
        return await find(connection, name)
    except Unreadable:
        return None


async def _page(house: House, state: str, token: str, kept: Kept | None) -> Response:
    offer = await choices(house)
    one = kept.subscription if kept else None
    told = {
        "state": state,
        "token": token,
        "title": offer.title(one.topic) if one else "",
        "facts": facts(one, offer.names) if one else (),
        "has_mailbox": bool(one and one.channel in MAIL),
    }
    return page(house, "leave.html.j2", told)
