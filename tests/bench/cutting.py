"""How long it takes to cut the digests of many subscribers: `python -m tests.bench.cutting`.

Subscriptions with mixed filters and zones, all due at once, over fifty new articles and a month of
polls; each is one transaction. By default on SQLite in a folder of its own; `--database` takes
another URL, whose tables are made and must be empty.
"""

import argparse
import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier import subscribers
from services.notifier.handlers import handler
from services.notifier.plan import Terms, cut, due
from services.notifier.subscription import Filters, Subscription
from shared.database import make_engine, transaction
from shared.migrate import upgrade
from tests.builders import a_classification, a_label, an_article, classified, poll_completed

NOW = datetime(2026, 9, 7, 8, tzinfo=UTC)
DAY = timedelta(days=1)
MODALITIES = ("cd19-car-t", "bcma-car-t", "caar-t", "car-treg", "car-nk")
DISEASES = ("sle", "mg", "ms")
FILTERS: tuple[dict[str, Any], ...] = (
    {},
    {"modality": ["cd19-car-t", "caar-t"]},
    {"disease": ["mg"], "min_relatedness": 0.3},
    {"words": ["lupus", "myasthenia gravis"]},
    {"authors": ["Schett G"], "modality": ["car-nk"]},
    {"muted_journals": ["Journal of Examples"]},
)


@dataclass(frozen=True)
class Measured:
    """Seconds for looking who is due, and for cutting them all."""

    subscriptions: int
    looking: float
    cutting: float
    articles: int


async def measure(engine: AsyncEngine, number: int) -> Measured:
    """Cut the digests of so many subscribers."""
    await fill(engine, number)
    begin = time.perf_counter()
    ids = await due(engine, NOW)
    looked = time.perf_counter()
    terms = Terms(timedelta())
    digests = [await cut(engine, one, NOW, terms) for one in ids]
    done = time.perf_counter()
    told = sum(digest.total for digest in digests if digest)
    return Measured(len(ids), looked - begin, done - looked, told)


async def fill(engine: AsyncEngine, number: int) -> None:
    """Subscribers, fifty articles of the last week, and a poll every six hours for a month."""
    await upgrade(engine, "notifier")
    handle = handler(engine, lambda: NOW)
    for pmid in range(1, 51):
        labels = (
            a_label(id=MODALITIES[pmid % len(MODALITIES)]),
            a_label(facet="disease", id=DISEASES[pmid % len(DISEASES)], name="A disease"),
        )
        entry = classified(
            article=an_article(pmid=pmid, title=f"CAR cells in lupus, part {pmid}"),
            relatedness=pmid / 50,
            discovered_at=NOW - pmid * timedelta(hours=3),
            classification=a_classification(labels=labels),
            poll_id="none",
        )
        await handle(entry.encode())
    for back in range(1, 121):
        at = NOW - back * DAY / 4
        await handle(
            poll_completed(poll_id=f"p{back}", finished_at=at, started_at=at, announced=0).encode()
        )
    async with transaction(engine) as connection:
        for n in range(number):
            await subscribers.save(connection, a_reader(n), "console", NOW)


def a_reader(number: int) -> Subscription:
    """One of the mixed subscribers, each of whom began at a moment of their own."""
    begun = NOW - DAY - timedelta(seconds=number * 7)
    return Subscription(
        id=f"reader-{number}",
        topic="car-autoimmune",
        address=SecretStr(f"reader-{number}@example.org"),
        cadence="daily",
        hour=7,
        filters=Filters.model_validate(FILTERS[number % len(FILTERS)]),
        created_at=begun,
        confirmed_at=begun,
    )


async def _run(number: int, url: str | None) -> Measured:
    with TemporaryDirectory() as folder:
        engine = make_engine(url or f"sqlite+aiosqlite:///{Path(folder) / 'bench.db'}")
        try:
            return await measure(engine, number)
        finally:
            await engine.dispose()


def main() -> None:
    """Measure, and print the figures."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--subscriptions", type=int, nargs="*", default=[500, 1000, 2000])
    words.add_argument("--database", help="URL of an empty database; else SQLite.")
    given = words.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    for number in given.subscriptions:
        found = asyncio.run(_run(number, given.database))
        each = found.cutting / max(1, found.subscriptions) * 1000
        print(  # noqa: T201
            f"{found.subscriptions:6} due: looked in {found.looking:.2f} s, "
            f"cut in {found.cutting:.1f} s ({each:.2f} ms each), {found.articles} articles"
        )


if __name__ == "__main__":
    main()
