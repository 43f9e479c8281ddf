"""Probes of our services, the pages, PubMed, and what time others have."""

import re
import ssl
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import asyncpg
import httpx
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from services.console.doctor.rules.outside import Clocks, Ncbi, NcbiFault, Pages, Probe
from services.poller.eutils import Access, Verdict
from services.poller.eutils.answers import classify, redact
from shared.clock import Clock
from shared.database import make_engine

_SECONDS = 8.0
_STYLE = "/static/carillon.css"
"""Of all our pages, and of nobody else's."""


def shown(url: str) -> str:
    """A URL without the user and password that may stand in it, and without its query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


async def gather_probe(service: str, url: str) -> Probe:
    """Ask a service whether it is ready."""
    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as http:
            answer = await http.get(f"{url}/readyz")
            told = answer.json() if answer.status_code != 200 else {}
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return Probe(service, 0)
    reasons = told.get("reasons", {}) if isinstance(told, dict) else {}
    return Probe(service, answer.status_code, {str(k): str(v) for k, v in reasons.items()})


async def gather_pages(url: str) -> Pages:
    """Ask for our style sheet where readers find the pages."""
    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as http:
            answer = await http.get(f"{url}{_STYLE}")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        cause = error.__context__
        while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
            cause = cause.__context__ or cause.__cause__
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Pages(
                shown(url),
                "certificate",
                f"its certificate is not believed: {cause.verify_message}",
            )
        return Pages(shown(url), "silent", f"nobody answers ({type(error).__name__})")
    if answer.status_code >= 500:
        return Pages(
            shown(url), "silent", f"the proxy answers {answer.status_code}: the notifier does not"
        )
    kind = answer.headers.get("content-type", "")
    if answer.status_code != 200 or not kind.startswith("text/css"):
        return Pages(
            shown(url), "other", f"what answers there ({answer.status_code}) is not our pages"
        )
    return Pages(shown(url))


async def gather_ncbi(access: Access, seeds: Sequence[int]) -> Ncbi:
    """Ask PubMed once, as the poller would, whether it has the topics' seeds."""
    found = Ncbi(shown(access.base_url), _is_address(access.email), _shape(access.api_key))
    term = " OR ".join(f"{seed}[uid]" for seed in seeds) or "1[uid]"
    form = {**access.parameters(), "db": "pubmed", "term": term, "retmax": "100"}
    try:
        async with httpx.AsyncClient(timeout=15.0) as http:
            answer = await http.post(f"{access.base_url}esearch.fcgi", data=form)
    except httpx.UnsupportedProtocol:
        return _with(found, "url", "it is no web address")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return _with(found, "unreachable", f"no answer ({type(error).__name__})")
    headers = {name.lower(): value for name, value in answer.headers.items()}
    verdict = classify(answer.status_code, answer.content, headers)
    words = redact(verdict.message, access.api_key, access.email)
    if verdict.verdict in {Verdict.OK, Verdict.EMPTY} and b"<eSearchResult" in answer.content:
        ids = {int(one) for one in re.findall(rb"<Id>(\d+)</Id>", answer.content)}
        return Ncbi(
            found.url, found.is_known, found.key, unknown=tuple(s for s in seeds if s not in ids)
        )
    return _with(found, _ncbi_fault(verdict.verdict, words, answer.status_code), words)


def _ncbi_fault(verdict: Verdict, words: str, status: int) -> NcbiFault:
    if verdict is Verdict.THROTTLED:
        return "rate"
    if "api key" in words.lower():
        return "key"
    if status >= 500:
        return "unreachable"
    return "url"


def _with(found: Ncbi, fault: NcbiFault, words: str) -> Ncbi:
    return Ncbi(found.url, found.is_known, found.key, fault, words)


_NOBODY = ("example.org", "example.com", "example.net", ".invalid", ".test", "localhost")


def _is_address(email: str | None) -> bool:
    name, _, host = (email or "").partition("@")
    return bool(name) and "." in host and not host.endswith(_NOBODY)


def _shape(key: str | None) -> tuple[int, bool] | None:
    return (len(key), not set(key) - set("0123456789abcdef")) if key else None


async def gather_clocks(clock: Clock, database_url: str | None, urls: Mapping[str, str]) -> Clocks:
    """Read every clock that can be read; `urls` are asked for the `Date` of their answers."""
    ahead: dict[str, float] = {}
    mute: dict[str, str] = {}
    if database_url:
        found = await _of_database(clock, database_url)
        _note("database", found, ahead, mute)
    for who, url in urls.items():
        _note(who, await _of_answer(clock, url), ahead, mute)
    return Clocks(ahead, mute)


def _note(who: str, found: float | str, ahead: dict[str, float], mute: dict[str, str]) -> None:
    if isinstance(found, str):
        mute[who] = found
    else:
        ahead[who] = found


async def _of_database(clock: Clock, url: str) -> float | str:
    try:
        engine = make_engine(url, statement_seconds=_SECONDS)
        try:
            async with engine.connect() as connection:
                await connection.scalar(sa.text("SELECT 1"))
                began = time.monotonic()
                theirs: datetime = await connection.scalar(sa.text("SELECT clock_timestamp()"))
                return _ahead(theirs, clock(), time.monotonic() - began)
        finally:
            await engine.dispose()
    except (SQLAlchemyError, asyncpg.PostgresError, OSError, ValueError, TypeError):
        return "it does not let us in"


async def _of_answer(clock: Clock, url: str) -> float | str:
    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as http:
            began = time.monotonic()
            answer = await http.get(url)
            theirs = parsedate_to_datetime(answer.headers["date"])
    except (httpx.HTTPError, httpx.InvalidURL):
        return "it does not answer"
    except (KeyError, ValueError):
        return "its answers have no date"
    return _ahead(theirs, clock(), time.monotonic() - began)


def _ahead(theirs: datetime, ours: datetime, took: float) -> float:
    """Seconds; what an answer took to come is nobody's fault."""
    difference = (theirs - ours).total_seconds()
    return difference if abs(difference) > took else 0.0
