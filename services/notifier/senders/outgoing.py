"""One HTTP POST to a stranger's URL: to the address that was checked, bounded in size and time.

The request is made with httpcore, below httpx: no proxy from the environment, no redirect, no
cookie, no decompression, and a connection of its own for each message, which nobody shares.
"""

import asyncio
import ssl
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpcore

from services.notifier.senders import AnswerLost
from services.notifier.senders.targets import Gate, Place, placed, resolve
from shared.errors import Retryable

ANSWER_OCTETS = 16_384
"""As much of an answer is read; its status says the rest."""

TOTAL_SECONDS = 30.0
"""For a whole request, from resolving the name to the end of the answer."""

_STEP_SECONDS = 10.0

_NOT_SENT = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout)
_FAULTS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    OSError,
    ssl.SSLError,
)


@dataclass(frozen=True)
class Answer:
    """What came back: the status, the beginning of the text, and when to come again."""

    status: int
    text: str = ""
    retry_after: timedelta | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether the message was taken: any 2xx."""
        return 200 <= self.status < 300


class _Checked(httpcore.AsyncNetworkBackend):
    """Connects to a checked address. Host header, SNI and certificate stay with the name."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._wires = httpcore.AnyIOBackend()

    async def connect_tcp(  # the signature is the library's
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: "Iterable[httpcore.SOCKET_OPTION] | None" = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first checked address that answers."""
        addresses = await resolve(self._place)
        for address in addresses[:-1]:
            try:
                return await self._wires.connect_tcp(address, port, timeout, local_address)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._wires.connect_tcp(addresses[-1], port, timeout, local_address)

    async def sleep(self, seconds: float) -> None:
        """Wait; the library asks for it between its own tries, of which there are none."""
        await asyncio.sleep(seconds)


@dataclass(frozen=True)
class Outgoing:
    """Posts to strangers' URLs. `seconds` is for one request; `trust` what certificates count."""

    gate: Gate
    seconds: float = TOTAL_SECONDS
    trust: ssl.SSLContext | None = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """What the target answered, whatever its status; a redirect is not followed.

        Raises:
            BadTarget: the URL may not be posted to; nothing was sent.
            AnswerLost: the request was sent, or begun, and no status came back.
            Retryable: the target cannot be reached; nothing was sent.
        """
        place, seen = placed(url, self.gate), _Seen()
        try:
            async with asyncio.timeout(self.seconds):
                await self._exchange(place, headers, body, seen)
        except _NOT_SENT:
            raise Retryable(
                "the target cannot be reached, or its certificate is not valid"
            ) from None
        except _FAULTS as error:
            if seen.status is None:
                fault = f"no answer came from the target ({_trouble(error)})"
                raise (AnswerLost if seen.is_connected else Retryable)(fault) from None
        return seen.answer()

    async def _exchange(
        self, place: Place, headers: Mapping[str, str], body: bytes, seen: "_Seen"
    ) -> None:
        pool = httpcore.AsyncConnectionPool(
            ssl_context=self.trust,
            max_keepalive_connections=0,
            network_backend=_Checked(place),
        )
        async with (
            pool,
            pool.stream(
                "POST",
                _url(place),
                headers=list(({"Host": _host(place)} | dict(headers)).items()),
                content=body,
                extensions={"timeout": _TIMEOUTS, "trace": seen.trace},
            ) as response,
        ):
            seen.status, seen.headers = response.status, _headers(response)
            async for piece in response.aiter_stream():
                seen.text += piece[: ANSWER_OCTETS - len(seen.text)]
                if len(seen.text) >= ANSWER_OCTETS:
                    return


_TIMEOUTS = dict.fromkeys(("connect", "read", "write", "pool"), _STEP_SECONDS)


class _Seen:
    """How far a request got."""

    def __init__(self) -> None:
        self.is_connected = False
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.text = b""

    async def trace(self, event: str, _info: dict[str, typing.Any]) -> None:
        """Note that the request itself has begun: from here on the target may have it."""
        if event.endswith("send_request_headers.started"):
            self.is_connected = True

    def answer(self) -> Answer:
        """What is known at the end: the status has come."""
        return Answer(
            self.status or 0,
            self.text.decode("utf-8", "replace"),
            retry_after(self.headers.get("retry-after"), datetime.now(UTC)),
        )


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """How long to wait by a `Retry-After` header: seconds or an HTTP date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return timedelta(seconds=min(int(value.strip()[:9]), 10**6))
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return max(at - now, timedelta())


def _url(place: Place) -> httpcore.URL:
    return httpcore.URL(scheme=place.scheme, host=place.host, port=place.port, target=place.path)


def _host(place: Place) -> str:
    name = f"[{place.host}]" if ":" in place.host else place.host
    return (
        name if place.port == (443 if place.scheme == "https" else 80) else f"{name}:{place.port}"
    )


def _headers(response: httpcore.Response) -> dict[str, str]:
    return {
        name.decode("ascii", "replace").lower(): value.decode("latin-1")
        for name, value in response.headers
    }


def _trouble(error: Exception) -> str:
    late = isinstance(error, TimeoutError | httpcore.TimeoutException)
    return "not in time" if late else "the connection was lost"
