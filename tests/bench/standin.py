"""How fast the stand-in answers about a catalogue of thousands: `python -m tests.bench.standin`.

The times are of whole requests in one process, without a network. The first search of all makes
the index, and is told apart.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from services.ncbi_sim.app import create_app
from services.ncbi_sim.generate import DAY_ZERO, SEED, generated
from services.poller.topic import read_topic

TOPIC = Path(__file__).resolve().parents[2] / "topics" / "car-autoimmune.toml"
ENDPOINT = "/entrez/eutils/{}.fcgi"

TARGETS = {"esearch": 15.0, "efetch of 200": 30.0, "elink": 5.0}
"""Milliseconds, the median of each."""


@dataclass(frozen=True)
class Measured:
    """Milliseconds of the first request of a kind, and the median of those on later days."""

    first: float
    median: float


async def measure(articles: int, days: int, rounds: int) -> dict[str, Measured]:
    """Ask on the last days of a generated catalogue, each day once."""
    instant = [datetime(DAY_ZERO.year, DAY_ZERO.month, DAY_ZERO.day, tzinfo=UTC)]
    app = create_app(
        generated(1, articles, days).catalogue, now=lambda: instant[0], rate_limit=False
    )
    end = instant[0] + timedelta(days=days)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://ncbi.test") as http:
        found: dict[str, list[float]] = {name: [] for name in TARGETS}
        for number in range(rounds):
            instant[0] = end - timedelta(days=rounds - number)
            for name, ask in _requests(http, instant[0]).items():
                found[name].append(await _timed(ask))
    return {name: Measured(times[0], statistics.median(times[1:])) for name, times in found.items()}


async def _timed(ask: Callable[[], Awaitable[httpx.Response]]) -> float:
    start = time.process_time()
    response = await ask()
    taken = time.process_time() - start
    response.raise_for_status()
    return taken * 1000


def _requests(
    http: httpx.AsyncClient, now: datetime
) -> dict[str, Callable[[], Awaitable[httpx.Response]]]:
    """What a poll asks: the default topic's query over 30 days, 200 records, the links."""
    query = " ".join(read_topic(TOPIC).query[0].term.split())
    window = f"{now - timedelta(days=30):%Y/%m/%d}:{now:%Y/%m/%d}[crdt]"
    ids = ",".join(str(SEED + offset) for offset in range(200))
    common = {"db": "pubmed", "retmode": "xml"}

    def post(endpoint: str, **form: str) -> Callable[[], Awaitable[httpx.Response]]:
        return lambda: http.post(ENDPOINT.format(endpoint), data={**common, **form})

    return {
        "esearch": post("esearch", term=f"({query}) AND {window}", retmax="5000"),
        "efetch of 200": post("efetch", id=ids),
        "elink": post("elink", id=str(SEED), dbfrom="pubmed", cmd="neighbor_score"),
    }


def main(arguments: list[str]) -> int:
    """Measure, print, and say with the exit code whether the targets are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=5_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args(arguments)
    measured = asyncio.run(measure(options.articles, options.days, options.rounds))
    lines = [f"{'milliseconds':16}{'first':>10}{'median':>10}{'target':>10}"]
    lines += [
        f"{name:16}{one.first:10.1f}{one.median:10.1f}{TARGETS[name]:10.1f}"
        for name, one in measured.items()
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if all(one.median <= TARGETS[name] for name, one in measured.items()) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
