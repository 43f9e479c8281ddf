"""One call of one E-utility: asked within the limit, classified, and asked again if that helps."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx
import structlog

from services.poller.eutils.answers import Answer, Verdict, classify, redact
from services.poller.eutils.limit import Limiter
from services.poller.eutils.retry import Patience, Timing
from shared.errors import Permanent, Retryable

log = structlog.get_logger(__name__)

BASE_URL = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"
LARGEST_ANSWER = 256 * 1024 * 1024
"""Bytes. 200 records are 2 MB; the largest single record known is 1.8 MB."""

Parameters = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Access:
    """Where E-utilities are, and who asks (NCBI wants `tool` and `email` with every request)."""

    base_url: str = BASE_URL
    tool: str = "carillon"
    email: str | None = None
    api_key: str | None = None

    def parameters(self) -> dict[str, str]:
        """What goes with every request."""
        given = {"tool": self.tool, "email": self.email, "api_key": self.api_key}
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True)
class Reply:
    """An answer that can be believed; `empty` when it says that there is nothing."""

    body: bytes
    empty: bool


def make_http(timeout: float = 60.0) -> httpx.AsyncClient:
    """An HTTP client that keeps its connections, and follows no redirect (see `classify`)."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(timeout, connect=15.0),
        limits=httpx.Limits(max_connections=4, max_keepalive_connections=4),
        headers={"User-Agent": "carillon (literature alerts)"},
    )


class Client:
    """Calls E-utilities for all tasks of a process."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        access: Access,
        limiter: Limiter,
        patience: Patience | None = None,
        timing: Timing | None = None,
    ) -> None:
        self.access = access
        self._http = http
        self._limiter = limiter
        self._patience = patience or Patience()
        self._timing = timing or Timing()

    async def call(
        self, utility: str, parameters: Parameters, attempts: int | None = None
    ) -> Reply:
        """An answer that holds something, or says that there is nothing.

        Always by POST: queries and lists of ids outgrow a URL. `attempts` overrules the patience.

        Raises:
            Retryable: NCBI is throttling or out of order, and stayed so for all our attempts.
            Permanent: NCBI says that this request is wrong.
        """
        started = self._timing.monotonic()
        answer = Answer(Verdict.TRANSIENT, "not asked")
        for attempt in range(1, (attempts or self._patience.attempts) + 1):
            answer, body = await self._once(utility, parameters, self._left(started))
            if answer.verdict in (Verdict.OK, Verdict.EMPTY):
                return Reply(body, empty=answer.verdict is Verdict.EMPTY)
            if answer.verdict is Verdict.PERMANENT:
                raise Permanent(f"{utility}: {answer.message}")
            wait = self._patience.wait(attempt, answer.retry_after, self._timing.chance())
            if answer.verdict is Verdict.THROTTLED:
                self._limiter.pause(wait)
            if wait >= self._left(started):
                break
            log.info("eutils_retry", utility=utility, attempt=attempt, reason=answer.message)
            await self._timing.sleep(wait)
        raise Retryable(f"{utility}: {answer.message} ({answer.verdict})", answer.retry_after)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def _left(self, started: float) -> float:
        return self._patience.deadline - (self._timing.monotonic() - started)

    async def _once(
        self, utility: str, parameters: Parameters, seconds: float
    ) -> tuple[Answer, bytes]:
        try:
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._limiter.slot()
                return await self._post(f"{self.access.base_url}{utility}.fcgi", parameters)
        except TimeoutError:
            return Answer(Verdict.TRANSIENT, "no answer in time"), b""
        except httpx.UnsupportedProtocol as error:
            return Answer(Verdict.PERMANENT, f"{error}; correct the E-utilities URL"), b""
        except httpx.RequestError as error:
            return Answer(Verdict.TRANSIENT, self._say(error)), b""

    async def _post(self, url: str, parameters: Parameters) -> tuple[Answer, bytes]:
        form = {**self.access.parameters(), **parameters}
        body = bytearray()
        async with self._http.stream("POST", url, data=form) as response:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LARGEST_ANSWER:
                    return Answer(Verdict.PERMANENT, f"answer over {LARGEST_ANSWER} bytes"), b""
        headers = {name.lower(): value for name, value in response.headers.items()}
        answer = classify(response.status_code, bytes(body), headers)
        redacted = redact(answer.message, self.access.api_key, self.access.email)
        return Answer(answer.verdict, redacted, answer.retry_after), bytes(body)

    def _say(self, error: httpx.RequestError) -> str:
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return redact(text, self.access.api_key, self.access.email)
