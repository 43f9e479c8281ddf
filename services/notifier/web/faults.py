"""What goes wrong, said to a reader as a page and to a program as RFC 9457 has it.

Never a value that was sent, never a detail of ours: what broke is in the log.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from math import ceil

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from services.notifier.tokens import BadToken, Expired
from services.notifier.web.house import House
from services.notifier.web.pages import page
from shared.errors import Permanent, Retryable

log = structlog.get_logger(__name__)

AWAY_SECONDS = 30
"""When to ask again while the database is away."""


@dataclass(frozen=True)
class Way:
    """Where a reader goes on from here: a path of ours and what the link says."""

    path: str
    text: str


HOME = Way("/", "To the start")


@dataclass(frozen=True)
class Fault:
    """What a reader is told, and where to go on."""

    status: int
    title: str
    words: str
    way: Way = HOME
    headers: Mapping[str, str] | None = None
    errors: Mapping[str, str] | None = None


class Refused(Exception):
    """Raised by a page that answers with a fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.title)
        self.fault = fault


NOT_FOUND = Fault(
    404,
    "There is nothing here",
    "This address leads nowhere. It may have been typed wrongly, or cut off at a line's end.",
)
NOT_OURS = Fault(
    404,
    "This link is not complete",
    "It may have been cut off when it was copied. Please open it once more from the message that "
    "it came in, or ask for a new one.",
    Way("/link", "Ask for a new link"),
)
EXPIRED = Fault(
    410,
    "This link has expired",
    "Links that change something are good for a short time only. Nothing has been changed.",
    Way("/link", "Ask for a new link"),
)
NOT_SO = Fault(
    405,
    "This page cannot be used like that",
    "Please open it by its link, and use its own buttons.",
)
TOO_LARGE = Fault(
    413, "That is more than this page takes", "Please send less, and split what has to be long."
)
FOREIGN = Fault(
    403,
    "This form was sent from another site",
    "To protect you, only forms of this site are accepted here. Please open the page here and "
    "fill it in again.",
)
UNREADABLE = Fault(
    422,
    "Something in this request could not be read",
    "Please go back, reload the page, and try again.",
)
BROKEN = Fault(
    500,
    "Something broke here",
    "It is our fault, and it has been written down. Nothing that was confirmed to you is lost. "
    "Please try again in a moment.",
)
AWAY = Fault(
    503,
    "The database cannot be reached at the moment",
    "Nothing is lost: what was confirmed to you is kept, and papers that arrive meanwhile wait. "
    "What you just sent has not been saved; please try again in a minute.",
    headers={"Retry-After": str(AWAY_SECONDS)},
)
_BY_KIND: tuple[tuple[type[Exception], Fault], ...] = (
    (Expired, EXPIRED),
    (BadToken, NOT_OURS),
    (Retryable, AWAY),
    (Permanent, UNREADABLE),
)
_PLAIN = {404: NOT_FOUND, 405: NOT_SO, 413: TOO_LARGE, 422: UNREADABLE}


def too_many(seconds: float) -> Fault:
    """Asked too often: when to come back."""
    wait = max(1, ceil(seconds))
    minutes = ceil(wait / 60)
    when = "in a minute" if minutes == 1 else f"in {minutes} minutes"
    if minutes > 90:
        when = f"in {ceil(minutes / 60)} hours"
    return Fault(
        429,
        "That was asked too often",
        "This is limited, to keep strangers from flooding anybody's mailbox. "
        f"Please come back {when}.",
        headers={"Retry-After": str(wait)},
    )


def wrong(errors: Mapping[str, str]) -> Refused:
    """What a program sent is wrong: by field, without the values."""
    return Refused(replace(UNREADABLE, errors=errors))


def install(app: FastAPI, house: House) -> None:
    """Have every fault answered like this."""

    async def answer(request: Request, error: Exception) -> Response:
        return said(house, request.url.path, fault_of(error))

    for kind in (HTTPException, RequestValidationError, Refused, Retryable, Permanent):
        app.add_exception_handler(kind, answer)


def fault_of(error: Exception) -> Fault:
    """What an exception means to who asked."""
    if isinstance(error, Refused):
        return error.fault
    if isinstance(error, HTTPException):
        return _http(error)
    if isinstance(error, Retryable):
        log.warning("page_put_off", reason=str(error))
    if isinstance(error, RequestValidationError):
        return replace(UNREADABLE, errors=_errors(error))
    known = (fault for kind, fault in _BY_KIND if isinstance(error, kind))
    return next(known, BROKEN)


def _errors(error: RequestValidationError) -> dict[str, str]:
    return {".".join(map(str, one["loc"])): str(one["msg"]) for one in error.errors()}


def _http(error: HTTPException) -> Fault:
    known = _PLAIN.get(error.status_code)
    if known is None:
        name = HTTPStatus(error.status_code).phrase
        known = Fault(error.status_code, name, "Please go back and try again.")
    return Fault(known.status, known.title, known.words, known.way, error.headers or known.headers)


def said(house: House, path: str, fault: Fault) -> Response:
    """The fault as a page, or for a program as `application/problem+json`."""
    if path.startswith(("/api/", "/hooks/")):
        body: dict[str, object] = {"type": "about:blank", "title": fault.title}
        body |= {"status": fault.status, "detail": fault.words}
        if fault.errors:
            body["errors"] = [{"field": k, "message": v} for k, v in fault.errors.items()]
        headers = dict(fault.headers or {})
        return JSONResponse(body, fault.status, headers, media_type="application/problem+json")
    told = {"title": fault.title, "words": fault.words, "way": fault.way}
    return page(house, "fault.html.j2", told, fault.status, fault.headers)
