"""The operator's page: what went wrong, and the few things that a person has to decide.

Behind HTTP Basic authentication (RFC 7617); without a password set there is no such page. As a
browser sends the password by itself, every form also carries a token that only this page gives.
"""

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from fastapi import APIRouter, Request, Response
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import hold, subscribers, suppression
from services.notifier.health import line
from services.notifier.recipient import MAIL
from services.notifier.store import last_poll
from services.notifier.tokens import BadToken
from services.notifier.web import admin_store, limits
from services.notifier.web.faults import FOREIGN, NOT_FOUND, Fault, Refused
from services.notifier.web.house import House
from services.notifier.web.pages import page
from services.notifier.web.request import filled
from services.notifier.web.topics import topics
from services.notifier.wording import masked
from services.notifier.wrong import look, verdict
from shared.database import transaction

log = structlog.get_logger(__name__)

USER = "admin"
FORM_WITHIN = timedelta(hours=12)
"""How long the page's forms are taken."""

NO_ENTRY = Fault(
    401,
    "Only for who runs this site",
    "Please give the user admin and the password of NOTIFIER_ADMIN_PASSWORD.",
    headers={"WWW-Authenticate": 'Basic realm="Carillon", charset="UTF-8"'},
)


def router(house: House) -> APIRouter:
    """`/admin`."""
    routes = APIRouter(prefix="/admin", include_in_schema=False)

    @routes.get("")
    async def show(request: Request) -> Response:
        await enter(house, request)
        return await _page(house)

    @routes.post("")
    async def act(request: Request) -> Response:
        await enter(house, request)
        given = await filled(request)
        _check_form(house, given.one("form"))
        done = await _acted(house, given.one("action"), given.one("id"))
        return await _page(house, done)

    return routes


async def enter(house: House, request: Request) -> None:
    """Let the operator in; a wrong password counts, and soon no more are tried.

    Raises:
        Refused: there is no such page, the password is wrong, or it was tried too often.
    """
    wanted = house.doors.admin_password
    if wanted is None or not wanted.get_secret_value():
        raise Refused(NOT_FOUND)
    given = request.headers.get("authorization")
    if given is None:
        raise Refused(NO_ENTRY)
    await limits.check(house, request, "admin")
    if not _is_operator(given, wanted):
        await limits.admit(house, request, "admin")
        log.warning("admin_refused")
        raise Refused(NO_ENTRY)


def _is_operator(header: str, wanted: SecretStr) -> bool:
    """In constant time, user and password both."""
    scheme, _, encoded = header.partition(" ")
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (ValueError, binascii.Error):
        return False
    is_user = hmac.compare_digest(user, USER.encode())
    is_password = hmac.compare_digest(password, wanted.get_secret_value().encode())
    return scheme.lower() == "basic" and is_user and is_password


def _check_form(house: House, token: str) -> None:
    try:
        known = house.tokens.read("form", token, house.clock())
    except BadToken:
        known = ""
    if known != USER:
        raise Refused(FOREIGN)


async def _acted(house: House, action: str, name: str) -> str:
    acts: dict[str, Callable[[AsyncConnection, str], Awaitable[bool]]] = {
        "activate": subscribers.activate,
        "retry": admin_store.try_now,
        "lift": suppression.lift,
    }
    act = acts.get(action)
    if act is None:
        return "That button is not known here."
    async with transaction(house.engine) as connection:
        done = await act(connection, name)
    log.info("admin_acted", action=action, about=name[:64], done=done)
    return "Done." if done else "Nothing was changed: it is not there any more, or needs nothing."


async def _page(house: House, done: str = "") -> Response:
    now = house.clock()
    async with transaction(house.engine) as connection:
        known = await topics(connection, now)
        wrongs, polled = await look(connection, [one.id for one in known], now)
        told = {
            "done": done,
            "held": await hold.standing(connection),
            "verdict": verdict(wrongs, polled=polled),
            "form": house.tokens.sign("form", USER, now + FORM_WITHIN),
            "people": [_person(row) for row in await admin_store.people(connection)],
            "unreadable": await admin_store.unreadable(connection),
            "digests": await admin_store.troubled(connection),
            "letters": await admin_store.mail(connection),
            "barred": (await suppression.suppressed(connection))[: admin_store.MOST],
            "topics": [(one, await last_poll(connection, one.id, now)) for one in known],
            "line": line,
        }
    return page(house, "admin.html.j2", told)


def _person(row: sa.Row[Any]) -> dict[str, object]:
    """A subscription without what would give its reader away."""
    where = masked(row.address) if row.channel in MAIL else row.channel
    owner = f", looked after by {masked(row.owner)}" if row.owner else ""
    return {
        "id": row.id,
        "topic": row.topic,
        "where": f"{where}{owner}",
        "origin": row.origin,
        "created_at": row.created_at,
        "confirmed_at": row.confirmed_at,
        "paused": row.paused_at is not None,
        "active": row.active,
        "reason": row.inactive_reason,
    }
