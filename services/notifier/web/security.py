"""What holds for every answer: headers, sizes, whose forms are taken, and that nothing leaks.

Pages carry tokens in their addresses and set no cookie. So nothing of an address is logged, no
referrer is sent, and what a page with a token shows is kept by no cache.
"""

import traceback
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.notifier.web import faults
from services.notifier.web.faults import Fault
from services.notifier.web.house import House

log = structlog.get_logger(__name__)

LARGEST = 64 * 1024
"""Bytes of a form or of JSON."""

LARGEST_MESSAGE = 2 * 1024 * 1024
"""Bytes of a returned message: it may carry the whole of ours."""

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
"""Content-Security-Policy: no script at all, nothing from elsewhere, and no frame around us."""

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

HSTS = "max-age=31536000"
"""A year (RFC 6797), for the host itself: what else is on the domain is not ours to decide."""

_DIGITS = 20
"""More of them than any length has; Python refuses to read a number of thousands."""

_CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
_OWN = {"same-origin", "none"}
_FOR_PROGRAMS = ("/hooks/", "/leave")
"""Mail servers and mail programs post there; what they bring, a token, no other site has."""


class Security:
    """ASGI middleware around all pages."""

    def __init__(self, app: ASGIApp, house: House) -> None:
        self._app = app
        self._house = house
        self._headers = dict(HEADERS)
        if house.public_url.startswith("https:"):
            self._headers["Strict-Transport-Security"] = HSTS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it here."""
        if scope["type"] != "http":
            return
        out = _Answer(scope, send, self._headers)
        scope = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        body = _Measured(receive, _room(scope["path"]))
        fault = self._refused(scope)
        if fault is None:
            fault = await self._asked(scope, body, out)
        if fault is not None and not out.is_begun:
            answer = faults.said(self._house, scope["path"], fault)
            await answer(scope, receive, out.send)

    async def _asked(self, scope: Scope, body: "_Measured", out: "_Answer") -> Fault | None:
        try:
            await self._app(scope, body.receive, out.send)
        except Exception as error:  # noqa: BLE001  a bug in one page; its words may carry secrets
            log.error("page_broke", **_traced(scope, error))  # noqa: TRY400
            return faults.BROKEN
        return None

    def _refused(self, scope: Scope) -> Fault | None:
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "0")
        is_number = declared.isascii() and declared.isdigit() and len(declared) < _DIGITS
        if not is_number or int(declared) > _room(scope["path"]):
            return faults.TOO_LARGE
        if scope["method"] not in _CHANGING or scope["path"].startswith(_FOR_PROGRAMS):
            return None
        return None if is_own(headers, self._house.public_url) else faults.FOREIGN


def is_own(headers: Headers, public_url: str) -> bool:
    """Whether a changing request comes from a page of ours, or from no browser at all.

    By `Sec-Fetch-Site`, which no page can forge; else by `Origin`, compared with the host asked.
    Browsers without the first send `Origin: null` for our own forms too, as our pages send no
    referrer: those pass, and what acts with a password needs a signed form besides.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in _OWN
    origin = headers.get("origin")
    if origin is None or origin == "null":
        return True
    host = _host(origin)
    return bool(host) and host in {headers.get("host", "").lower(), _host(public_url)}


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""


def _room(path: str) -> int:
    return LARGEST_MESSAGE if path.startswith("/hooks/") else LARGEST


class _Measured:
    """A request's body, as long as it is not too large."""

    def __init__(self, receive: Receive, room: int) -> None:
        self._receive = receive
        self._left = room

    async def receive(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            # The one kind of exception that FastAPI lets through while it reads a body.
            raise HTTPException(faults.TOO_LARGE.status)
        return message


class _Answer:
    """An answer on its way out; one to HEAD has no body."""

    def __init__(self, scope: Scope, send: Send, headers: Mapping[str, str]) -> None:
        self._send = send
        self._headers = headers
        self._is_head = scope["method"] == "HEAD"
        self._is_private = b"token=" in scope.get("query_string", b"")
        self.is_begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.is_begun = True
            self._dress(MutableHeaders(scope=message))
        elif self._is_head:
            message = {**message, "body": b""}
        await self._send(message)

    def _dress(self, headers: MutableHeaders) -> None:
        for name, value in self._headers.items():
            headers[name] = value
        if self._is_private or "cache-control" not in headers:
            headers["Cache-Control"] = "no-store"


def _traced(scope: Scope, error: Exception) -> dict[str, Any]:
    """Where it broke: the route without its tokens, and the lines without their values."""
    route = scope.get("route")
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return {
        "route": getattr(route, "path", None),
        "method": scope["method"],
        "error": type(error).__name__,
        "at": [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames],
    }
