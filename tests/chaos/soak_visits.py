"""Somebody who looks at every page, asks the probes and reads the metrics, over and over."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Mapping

import httpx

from tests.chaos.soak_mix import FIRST_PMID, TOPIC

PAGES = (
    "/", "/subscribe", "/link", f"/topics/{TOPIC}", f"/topics/{TOPIC}?q=lupus",
    f"/topics/{TOPIC}?modality=cd19-car-t", f"/topics/{TOPIC}.csv", f"/articles/{TOPIC}/{{pmid}}",
    f"/articles/{TOPIC}/{{pmid}}.ris", "/static/carillon.css", "/nowhere", "/api/topics",
    f"/api/topics/{TOPIC}/coverage", f"/api/topics/{TOPIC}/articles?q=CAR",
    f"/api/articles/{TOPIC}/{{pmid}}", "/api/health", "/api/openapi.json",
)  # fmt: skip
PROBES = ("/livez", "/readyz", "/metrics")


async def visit(ports: Mapping[str, int], answers: Counter[str], pause: float = 0.5) -> None:
    """Ask, one after the other and for ever; `answers` counts statuses, and what was refused."""
    addresses = [f"http://127.0.0.1:{ports['web']}{page}" for page in PAGES if "web" in ports]
    services = [name for name in ports if name not in {"web", "sim", "sink"}]
    addresses += [f"http://127.0.0.1:{ports[name]}{p}" for name in services for p in PROBES]
    async with httpx.AsyncClient(timeout=30) as http:
        for number, address in enumerate(itertools.cycle(addresses)):
            pmid = FIRST_PMID + number % 500
            answers[await _ask(http, address.replace("{pmid}", str(pmid)))] += 1
            await asyncio.sleep(pause)


async def _ask(http: httpx.AsyncClient, address: str) -> str:
    try:
        return str((await http.get(address)).status_code)
    except httpx.HTTPError as fault:
        return type(fault).__name__
