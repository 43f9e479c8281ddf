"""Where the operator's mail server reports what came back, by a secret that only it has."""

import hmac

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from services.notifier.returns import Outcome, Returns, take_bounce, take_complaint
from services.notifier.web.faults import NOT_FOUND, Fault, Refused
from services.notifier.web.house import House

NO_ENTRY = Fault(
    401,
    "Not allowed",
    "Send the header Authorization: Bearer, with NOTIFIER_HOOK_TOKEN.",
    headers={"WWW-Authenticate": 'Bearer realm="hooks"'},
)


def router(house: House) -> APIRouter:
    """`/hooks/bounce` and `/hooks/complaint`: the raw message is the body."""
    routes = APIRouter(prefix="/hooks", include_in_schema=False)
    returns = Returns(house.engine, house.tokens, house.clock)

    @routes.post("/bounce")
    async def bounced(request: Request) -> Response:
        _check(house, request)
        return _told(await take_bounce(returns, await request.body()))

    @routes.post("/complaint")
    async def complained(request: Request) -> Response:
        _check(house, request)
        return _told(await take_complaint(returns, await request.body()))

    return routes


def _told(outcome: Outcome) -> Response:
    return JSONResponse({"outcome": outcome})


def _check(house: House, request: Request) -> None:
    """Compare the secret in constant time.

    Raises:
        Refused: it is not the one; or there is none, and so no hook.
    """
    wanted = house.doors.hook_token
    if wanted is None or not wanted.get_secret_value():
        raise Refused(NOT_FOUND)
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    is_it = hmac.compare_digest(given.strip().encode(), wanted.get_secret_value().encode())
    if scheme.lower() != "bearer" or not is_it:
        raise Refused(NO_ENTRY)
