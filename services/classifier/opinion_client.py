"""Asks an OpenAI-compatible endpoint (`POST URL/chat/completions`) for a second opinion.

Source: OpenAI API reference, "Create chat completion"; other servers follow it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import httpx
from pydantic import BaseModel, Field, ValidationError

from services.classifier.settings import Endpoint
from shared.errors import Permanent, Retryable
from shared.under_replay import UnderReplay

UNDER_REPLAY = UnderReplay.KNOWN_ONLY
"""`SecondOpinion.known` takes its place for what is replayed: this one is not called."""

ATTEMPTS = 2
PAUSE = timedelta(seconds=1)
LONGEST = 64_000
"""Bytes of an answer; a whole one has some hundred."""


class _Message(BaseModel):
    content: str


class _Choice(BaseModel):
    message: _Message


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)


Sleep = Callable[[float], Awaitable[None]]


class OpinionClient:
    """One endpoint on one HTTP client."""

    def __init__(
        self, http: httpx.AsyncClient, endpoint: Endpoint, sleep: Sleep = asyncio.sleep
    ) -> None:
        self.endpoint = endpoint
        self._http = http
        self._sleep = sleep

    async def ask(self, messages: Sequence[dict[str, str]]) -> str:
        """The text of the answer.

        Raises:
            Retryable: no answer in time, or the endpoint is busy or failing, twice.
            Permanent: the endpoint refuses the request, or its answer is no chat completion.
        """
        try:
            async with asyncio.timeout(self.endpoint.seconds):
                return await self._tried(messages)
        except TimeoutError as error:
            raise Retryable(f"no opinion within {self.endpoint.seconds:g} seconds") from error

    async def _tried(self, messages: Sequence[dict[str, str]]) -> str:
        for left in reversed(range(ATTEMPTS)):
            try:
                return await self._asked(messages)
            except Retryable as fault:
                if not left:
                    raise
                await self._sleep((fault.retry_after or PAUSE).total_seconds())
        raise AssertionError("there is at least one attempt")

    async def _asked(self, messages: Sequence[dict[str, str]]) -> str:
        request = {
            "model": self.endpoint.model,
            "messages": list(messages),
            "temperature": 0,
            "response_format": {"type": "json_object"},
        }
        url = f"{self.endpoint.url.rstrip('/')}/chat/completions"
        body = bytearray()
        try:
            async with self._http.stream(
                "POST", url, json=request, headers=self._headers(), timeout=self.endpoint.seconds
            ) as response:
                _check_status(response)
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > LONGEST:
                        raise Permanent(f"opinion of more than {LONGEST} bytes: not one of ours")
        except httpx.RequestError as error:
            # Its name alone: its text may hold the URL, and that a password.
            raise Retryable(f"opinion endpoint: {type(error).__name__}") from error
        except (httpx.InvalidURL, UnicodeError) as error:
            raise Permanent(
                "opinion endpoint: correct CLASSIFIER_OPINION_URL or _API_KEY, it cannot be sent"
            ) from error
        return _content(bytes(body))

    def _headers(self) -> dict[str, str]:
        key = self.endpoint.api_key.get_secret_value() if self.endpoint.api_key else ""
        return {"Authorization": f"Bearer {key}"} if key else {}


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if status in (408, 409, 429) or status >= 500:
        raise Retryable(f"opinion endpoint: HTTP {status}", _retry_after(response))
    if status != 200:
        raise Permanent(
            f"opinion endpoint: HTTP {status}; correct CLASSIFIER_OPINION_URL, _MODEL or _API_KEY"
        )


def _retry_after(response: httpx.Response) -> timedelta | None:
    """Whole seconds (RFC 9110, section 10.2.3); a date is taken for no answer."""
    value = response.headers.get("retry-after", "")
    known = value.isascii() and value.isdecimal() and len(value) < 7
    return timedelta(seconds=int(value)) if known else None


def _content(body: bytes) -> str:
    try:
        content = _Completion.model_validate_json(body).choices[0].message.content
    except ValidationError as error:
        raise Permanent("opinion endpoint: the answer is no chat completion") from error
    return content.replace("\x00", "")  # which PostgreSQL does not store
