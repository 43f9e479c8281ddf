"""Probes: `/livez` says that the process runs, `/readyz` that it can work and what it lacks.

`/metrics` is for Prometheus, in its text format; the checks are among its numbers.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from shared.errors import CarillonError
from shared.serving import served

log = structlog.get_logger(__name__)

Check = Callable[[], Awaitable[bool]]
PROBE_SECONDS = 5.0


@asynccontextmanager
async def serve_probes(
    port: int, checks: Mapping[str, Check], metrics: CollectorRegistry | None = None
) -> AsyncIterator[None]:
    """Answer probes on `port` of all interfaces while the block runs."""
    everywhere = "0.0.0.0"  # noqa: S104  a container's probes come from outside it
    async with served(probes(checks, metrics), everywhere, port):
        yield


def probes(
    checks: Mapping[str, Check], metrics: CollectorRegistry | None = None
) -> Callable[..., Awaitable[None]]:
    """An ASGI application with the routes."""
    passes = _gauge(metrics) if metrics is not None else None

    async def application(scope: dict[str, Any], receive: object, send: Any) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/metrics" and metrics is not None and passes is not None:
            await _note(passes, checks)
            await _respond(send, 200, CONTENT_TYPE_LATEST, generate_latest(metrics))
            return
        status, body = await _answer(scope["path"], checks)
        await _respond(send, status, "application/json", json.dumps(body).encode())

    return application


def _gauge(registry: CollectorRegistry) -> Gauge:
    text = "1 while a check of /readyz passes: asked whenever this is read"
    return Gauge("carillon_ready", text, ["check"], registry=registry)


async def _note(passes: Gauge, checks: Mapping[str, Check]) -> None:
    """All at once: a scrape waits no longer than one check may take."""
    lacks = await asyncio.gather(*map(_lacks, checks.values()))
    for name, reason in zip(checks, lacks, strict=True):
        passes.labels(name).set(reason is None)


async def _respond(send: Any, status: int, kind: str, body: bytes) -> None:
    headers = [(b"content-type", kind.encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _answer(path: str, checks: Mapping[str, Check]) -> tuple[int, dict[str, object]]:
    if path == "/livez":
        return 200, {"alive": True}
    if path != "/readyz":
        return 404, {"error": "ask /livez or /readyz"}
    found = {name: await _lacks(check) for name, check in checks.items()}
    reasons = {name: reason for name, reason in found.items() if reason}
    results: dict[str, object] = {"ready": not reasons}
    results |= {name: reason is None for name, reason in found.items()}
    return (503 if reasons else 200), results | ({"reasons": reasons} if reasons else {})


async def _lacks(check: Check) -> str | None:
    """Why the check does not pass: a fault of ours in its words, another by its kind."""
    try:
        passes = await asyncio.wait_for(check(), timeout=PROBE_SECONDS)
    except Exception as fault:  # noqa: BLE001  whatever it raises, the check does not pass
        log.info("probe_failed", reason=f"{type(fault).__name__}: {fault}")
        return str(fault) if isinstance(fault, CarillonError) else type(fault).__name__
    return None if passes else "does not answer"
