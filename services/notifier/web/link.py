"""The way to one's own subscriptions: a link is mailed, to whom it belongs and nobody else."""

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import letters_store
from services.notifier.listing import present_id
from services.notifier.recipient import recipient
from services.notifier.subscribers import everybody, find
from services.notifier.subscription import is_mail_address
from services.notifier.web import attempts, form, limits
from services.notifier.web.form import Filled
from services.notifier.web.house import House
from services.notifier.web.pages import page
from services.notifier.web.request import filled
from services.notifier.web.subscribe import mailbox_of
from shared.database import transaction

SENT = {
    "title": "Please look into your mailbox",
    "paragraphs": (
        "If there is a subscription of that address, a message with the link is on its way to it. "
        "The link is good for one hour.",
        "Nothing there after some minutes? Please look into the folder for spam. Perhaps your "
        "mails come to another address of yours.",
    ),
    "way": None,
    "here": "link",
}
"""Said always, whether or not the address is known."""


def router(house: House) -> APIRouter:
    """`/link`."""
    routes = APIRouter(prefix="/link", include_in_schema=False)

    @routes.get("")
    async def show(s: str = "") -> Response:
        if s:
            house.tokens.read("ask", s, house.clock())
        return _form(house, s)

    @routes.post("")
    async def ask(request: Request) -> Response:
        given = await filled(request)
        if given.one("s"):
            await _by_token(house, request, given.one("s"))
        elif given.any(form.TRAP):
            return page(house, "told.html.j2", SENT)
        elif is_mail_address(given.one("email")):
            await by_address(house, request, given.one("email"))
        else:
            return _form(house, "", given, {"email": "Please write your address, name@host."})
        return page(house, "told.html.j2", SENT)

    return routes


async def by_address(house: House, request: Request, address: str) -> None:
    """Mail the link to who has something on record; nobody learns whether that is so.

    Raises:
        Refused: it was asked too often.
    """
    who = recipient("email", address)
    await limits.admit(house, request, "link", who)
    async with transaction(house.engine) as connection:
        await _write(house, connection, who)


async def _by_token(house: House, request: Request, token: str) -> None:
    name = house.tokens.read("ask", token, house.clock())
    async with transaction(house.engine) as connection:
        kept = await find(connection, await present_id(connection, name))
    who = recipient("email", mailbox_of(kept.subscription)) if kept else name
    await limits.admit(house, request, "ask", who)
    async with transaction(house.engine) as connection:
        await _write(house, connection, who)


async def _write(house: House, connection: AsyncConnection, who: str) -> None:
    """To the address as it is on record, never as it was typed: they may differ in case."""
    await attempts.hold(connection, [who])
    own = await everybody(connection, who)
    if own:
        await letters_store.queue(
            connection, "manage", mailbox_of(own[0].subscription), house.clock()
        )


def _form(
    house: House, ask: str, given: Filled | None = None, faults: dict[str, str] | None = None
) -> Response:
    told = {"here": "link", "ask": ask, "form": given or Filled(), "faults": faults or {}}
    return page(house, "link.html.j2", told, 422 if faults else 200)
