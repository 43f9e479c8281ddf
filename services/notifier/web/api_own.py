"""The HTTP API for who has the token of a mailed link: one's own subscriptions and data.

The token is that of `/manage`, as `Authorization: Bearer`. It is good for an hour.
"""

from datetime import UTC, timedelta
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Path
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import changes, personal
from services.notifier.subscribers import Kept, everybody
from services.notifier.tokens import BadToken
from services.notifier.web import api_models as models
from services.notifier.web.faults import NOT_FOUND, Fault, Refused, wrong
from services.notifier.web.house import House
from services.notifier.web.manage import own
from shared.database import transaction

log = structlog.get_logger(__name__)

LONGEST_PAUSE = timedelta(days=3660)

NO_ENTRY = Fault(
    401,
    "No valid token",
    "Ask for a link with POST /api/links; its token, sent as Authorization: Bearer, is good for an "
    "hour.",
    headers={"WWW-Authenticate": "Bearer"},
)
Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


def router(house: House) -> APIRouter:
    """`/api/me` and what is below it."""
    routes = APIRouter(prefix="/me", tags=["my own"])

    async def reader(given: Credentials) -> str:
        return _reader(house, given)

    who_asks = Annotated[str, Depends(reader)]
    _reading(house, routes, who_asks)
    _changing(house, routes, who_asks)
    _acting(house, routes, who_asks)
    return routes


def _reader(house: House, given: HTTPAuthorizationCredentials | None) -> str:
    if given is None:
        raise Refused(NO_ENTRY)
    try:
        return house.tokens.read("manage", given.credentials, house.clock())
    except BadToken:
        raise Refused(NO_ENTRY) from None


def _reading(house: House, routes: APIRouter, who_asks: Any) -> None:
    @routes.get("/data")
    async def export(who: who_asks) -> dict[str, Any]:
        """All that is on record about me."""
        async with transaction(house.engine) as connection:
            return await personal.export(connection, who)

    @routes.get("/subscriptions")
    async def list_own(who: who_asks) -> list[models.SubscriptionOut]:
        """My subscriptions."""
        now = house.clock()
        async with transaction(house.engine) as connection:
            kept = await everybody(connection, who)
        return [models.SubscriptionOut.of(one, now) for one in kept]

    @routes.get("/subscriptions/{name}")
    async def one_own(who: who_asks, name: Name) -> models.SubscriptionOut:
        """One of my subscriptions."""
        async with transaction(house.engine) as connection:
            return models.SubscriptionOut.of(await _own(connection, who, name), house.clock())


def _changing(house: House, routes: APIRouter, who_asks: Any) -> None:
    @routes.put("/subscriptions/{name}")
    async def change(who: who_asks, name: Name, wanted: models.Choices) -> models.SubscriptionOut:
        """Replace all choices of a subscription."""
        named = {field: getattr(wanted, field) for field in models.Choices.model_fields}
        async with transaction(house.engine) as connection:
            await _own(connection, who, name)
            try:
                await changes.change(connection, name, named)
            except changes.Refused as fault:
                raise wrong({"choices": str(fault)}) from None
            kept = await _own(connection, who, name)
        return models.SubscriptionOut.of(kept, house.clock())

    @routes.delete("/data")
    async def forget(who: who_asks, never_again: bool = False) -> dict[str, int]:
        """Delete all that is on record about me; `never_again` keeps a hash, to bar the address."""
        async with transaction(house.engine) as connection:
            number = await personal.forget(connection, who, house.clock(), suppressed=never_again)
        log.info("person_forgotten", subscriptions=number, suppressed=never_again)
        return {"subscriptions": number}


def _acting(house: House, routes: APIRouter, who_asks: Any) -> None:
    @routes.post("/subscriptions/{name}/pause")
    async def pause(who: who_asks, name: Name, wanted: models.Pause) -> models.SubscriptionOut:
        """Let nothing come until then; the first digest afterwards catches up."""
        until = None
        if wanted.until is not None:
            now = house.clock()
            if not now < wanted.until <= now + LONGEST_PAUSE:
                raise wrong({"until": "Has to be later than now, and within ten years."})
            until = wanted.until.astimezone(UTC)
        async with transaction(house.engine) as connection:
            await _own(connection, who, name)
            await changes.pause(connection, name, until, house.clock())
            return models.SubscriptionOut.of(await _own(connection, who, name), house.clock())

    @routes.post("/subscriptions/{name}/resume")
    async def resume(who: who_asks, name: Name) -> models.SubscriptionOut:
        """End a pause now."""
        async with transaction(house.engine) as connection:
            await _own(connection, who, name)
            await changes.resume(connection, name, house.clock())
            return models.SubscriptionOut.of(await _own(connection, who, name), house.clock())

    @routes.post("/subscriptions/{name}/leave")
    async def leave(who: who_asks, name: Name) -> models.SubscriptionOut:
        """Leave at once; again is no fault."""
        async with transaction(house.engine) as connection:
            await _own(connection, who, name)
            await changes.leave(connection, name)
            return models.SubscriptionOut.of(await _own(connection, who, name), house.clock())


async def _own(connection: AsyncConnection, who: str, name: str) -> Kept:
    kept = await own(connection, who, name)
    if kept is None:
        raise Refused(NOT_FOUND)
    return kept


def faults_of(error: ValidationError) -> dict[str, str]:
    """What is wrong with a wish, by field; never a value."""
    return {
        ".".join(map(str, fault["loc"])) or "subscription": fault["msg"].removeprefix(
            "Value error, "
        )
        for fault in error.errors(include_input=False, include_url=False)
    }
