"""One call of one E-utility: asked within the limit, classified, and asked again if that helps."""

import asyncio
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import httpx
import structlog

from services.poller.eutils.answers import Answer, Verdict, classify, redact
from services.poller.eutils.budget import Budget
from services.poller.eutils.limit import PER_SECOND_WITH_KEY, Limiter, per_second
from services.poller.eutils.retry import Patience, Timing
from shared import tracing
from shared.errors import Permanent, Retryable

log = structlog.get_logger(__name__)

BASE_URL = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"
LARGEST_ANSWER = 256 * 1024 * 1024
"""Bytes. 200 records are 2 MB; the largest single record known is 1.8 MB."""
CONNECTIONS = 8

Parameters = Mapping[str, str | Sequence[str]]
Answered = Callable[[str, Verdict], None]
T = TypeVar("T")


def unheard(_utility: str, _verdict: Verdict) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Access:
    """Where E-utilities are, and who asks (NCBI wants `tool` and `email` with every request)."""

    base_url: str = BASE_URL
    tool: str = "carillon"
    email: str | None = None
    api_key: str | None = field(default=None, repr=False)

    def parameters(self) -> dict[str, str]:
        """What goes with every request."""
        given = {"tool": self.tool, "email": self.email, "api_key": self.api_key}
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True)
class Conduct:
    """How NCBI is asked: how fast, how often again, by which clock, and who is told each verdict.

    `answered` is called with the utility and the verdict of every answer, repeated ones too.
    """

    limiter: Limiter
    patience: Patience = field(default_factory=Patience)
    timing: Timing = field(default_factory=Timing)
    answered: Answered = unheard


@dataclass(frozen=True)
class Reply:
    """An answer that can be believed; `empty` when it says that there is nothing."""

    body: bytes
    empty: bool


def make_http(timeout: float = 60.0) -> httpx.AsyncClient:
    """An HTTP client that keeps its connections, and follows no redirect (see `classify`)."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(timeout, connect=15.0),
        limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
        headers={"User-Agent": "carillon (literature alerts)"},
    )


class Client:
    """Calls E-utilities for all tasks of a process, or for those of one poll (`within`)."""

    def __init__(self, http: httpx.AsyncClient, access: Access, conduct: Conduct) -> None:
        self.access = access
        self.conduct = conduct
        self._http = http
        self._budget = Budget(timedelta.max, conduct.timing.monotonic, failures=sys.maxsize)
        # A slot must not be spent in waiting for a connection: those behind it would catch up.
        self._free = asyncio.Semaphore(CONNECTIONS)
        self._starts: deque[float] = deque(maxlen=int(PER_SECOND_WITH_KEY))

    def within(self, budget: Budget) -> "Client":
        """The same client, on its connections, for calls that keep to a budget."""
        client = copy(self)
        client._budget = budget
        return client

    async def call(
        self, utility: str, parameters: Parameters, attempts: int | None = None
    ) -> Reply:
        """As `ask`, for the answer as it came."""
        return await self.ask(utility, parameters, lambda reply: reply, attempts)

    async def ask(
        self,
        utility: str,
        parameters: Parameters,
        read: Callable[[Reply], T],
        attempts: int | None = None,
    ) -> T:
        """What `read` makes of an answer that holds something, or says that there is nothing.

        Always by POST: queries and lists of ids outgrow a URL. When `read` raises Retryable, the
        answer is as good as none, and asked for again. `attempts` overrules the patience; such a
        call says nothing about whether the utility is down.

        Raises:
            Retryable: NCBI is throttling or out of order, and stayed so for all our attempts; or
                the poll's budget is spent. Also the database that counts the slots is away.
            Permanent: NCBI says that this request is wrong.
        """
        patience, now = self.conduct.patience, self.conduct.timing.monotonic
        ends = now() + min(patience.deadline, self._budget.left)
        most = attempts or patience.attempts
        answer = Answer(Verdict.TRANSIENT, "not asked")
        for attempt in range(1, most + 1):
            self._admit(utility, answer)
            found = await self._once(utility, parameters, read, ends)
            if not isinstance(found, Answer):
                return found
            answer = found
            wait = patience.wait(attempt, answer.retry_after, self.conduct.timing.chance())
            if answer.verdict is Verdict.THROTTLED:
                await self.conduct.limiter.pause(wait)
            if attempt == most or wait >= ends - now():
                break
            log.info("eutils_retry", utility=utility, attempt=attempt, reason=answer.message)
            await self.conduct.timing.sleep(wait)
        if attempts is None:
            self._budget.failed(utility, answer.message)
        raise Retryable(f"{utility}: {answer.message} ({answer.verdict})", answer.retry_after)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def _admit(self, utility: str, answer: Answer) -> None:
        reason = self._budget.refusal(utility)
        if reason:
            raise Retryable(f"{utility}: {answer.message}: {reason}", answer.retry_after)

    async def _once(
        self, utility: str, parameters: Parameters, read: Callable[[Reply], T], ends: float
    ) -> T | Answer:
        """What was read of one answer, or why there is none."""
        with tracing.span(f"NCBI {utility}", "client") as span:
            answer, body = await self._sent(utility, parameters, ends)
            span.note(verdict=answer.verdict.value)
        found: T | Answer = answer
        if answer.verdict in (Verdict.OK, Verdict.EMPTY):
            try:
                found = read(Reply(body, empty=answer.verdict is Verdict.EMPTY))
            except Retryable as error:
                reason = str(error).removeprefix(f"{utility}: ")
                found = answer = Answer(Verdict.TRANSIENT, reason)
        self.conduct.answered(utility, answer.verdict)
        if answer.verdict in (Verdict.OK, Verdict.EMPTY, Verdict.PERMANENT):
            self._budget.answered(utility)
        if answer.verdict is Verdict.PERMANENT:
            raise Permanent(f"{utility}: {answer.message}")
        return found

    async def _sent(
        self, utility: str, parameters: Parameters, ends: float
    ) -> tuple[Answer, bytes]:
        seconds = max(ends - self.conduct.timing.monotonic(), 0.0)
        try:
            async with asyncio.timeout(seconds), self._free:
                await self.conduct.limiter.slot()
                return await self._post(f"{self.access.base_url}{utility}.fcgi", parameters)
        except TimeoutError:
            return Answer(Verdict.TRANSIENT, "no answer in time"), b""
        except httpx.UnsupportedProtocol as error:
            return Answer(Verdict.PERMANENT, f"{error}; correct the E-utilities URL"), b""
        except httpx.RequestError as error:
            return Answer(Verdict.TRANSIENT, self._say(error)), b""

    async def _post(self, url: str, parameters: Parameters) -> tuple[Answer, bytes]:
        started = self.conduct.timing.monotonic()
        self._starts.append(started)
        form = {**self.access.parameters(), **parameters}
        body = bytearray()
        async with self._http.stream("POST", url, data=form) as response:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LARGEST_ANSWER:
                    return Answer(Verdict.PERMANENT, f"answer over {LARGEST_ANSWER} bytes"), b""
        headers = {name.lower(): value for name, value in response.headers.items()}
        await self._heed(headers, started)
        answer = classify(response.status_code, bytes(body), headers)
        redacted = redact(answer.message, self.access.api_key, self.access.email)
        return Answer(answer.verdict, redacted, answer.retry_after), bytes(body)

    async def _heed(self, headers: Mapping[str, str], started: float) -> None:
        """Wait for the next second when none of its requests is left, and not through us."""
        if headers.get("x-ratelimit-remaining") != "0":
            return
        ours = sum(started - 1.0 < start <= started for start in self._starts)
        rest = started + 1.0 - self.conduct.timing.monotonic()
        if ours < int(per_second(self.access.api_key)) and rest > 0:
            await self.conduct.limiter.pause(rest)

    def _say(self, error: httpx.RequestError) -> str:
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return redact(text, self.access.api_key, self.access.email)
