"""A backfill from an NCBI that fails in every way at a fifth of all answers."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.ncbi_sim.app import create_app
from services.ncbi_sim.catalogue import Catalogue, read_catalogue
from services.ncbi_sim.faults import Rule
from services.poller import tables
from services.poller.backfill import begin, go_through
from services.poller.backfill_windows import Span
from services.poller.collect import Outside
from services.poller.eutils import Access, Client, Conduct, Eutils, Limiter, Patience, Timing
from services.poller.eutils.client import make_http
from services.poller.topic import Query, Topic
from shared.database import make_engine, transaction
from shared.events import ArticleDiscovered, decode
from shared.migrate import upgrade
from tests.unit.ncbi_sim.served import served

NOW = datetime(2026, 9, 7, 5, tzinfo=UTC)
ARTICLES = 600
TOPIC = Topic(id="lupus", title="Lupus", seed=100, query=(Query(name="lupus", term="lupus[tiab]"),))
FAULTS = (Rule(endpoint="*", kind="any", rate=0.2, seed=11, seconds=0.01),)
RUNS = 60


async def no_sleep(_seconds: float) -> None:
    return None


def catalogue() -> Catalogue:
    """Articles of three years, every third of them about something else."""
    days = {1000 + n: -40 - 2 * n for n in range(ARTICLES)}
    articles = [
        {"pmid": pmid, "title": title(pmid), "journal": "J", "year": 2024, "entered_day": day}
        for pmid, day in ({100: -2000} | days).items()
    ]
    head = {"id": "c", "seed": 100, "day_zero": NOW.date(), "days": 3, "notice": "Test."}
    return read_catalogue({"catalogue": head, "article": articles})


def title(pmid: int) -> str:
    return f"A report {pmid} on {'psoriasis' if pmid % 3 == 0 else 'lupus'}."


def wanted(since: date) -> set[int]:
    """What is older than the look-back and not older than `since`, by how it was made."""
    oldest = (NOW.date() - since).days
    return {1000 + n for n in range(ARTICLES) if (1000 + n) % 3 and 40 + 2 * n <= oldest}


def eutils(http: httpx.AsyncClient, url: str) -> Eutils:
    timing = Timing(sleep=no_sleep, chance=lambda: 0.5)
    conduct = Conduct(Limiter(1_000, timing=timing), Patience(attempts=1), timing)
    return Eutils(Client(http, Access(f"{url}/entrez/eutils/"), conduct))


@pytest.fixture(name="engine")
async def _engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path}/poller.db")
    await upgrade(engine, "poller")
    yield engine
    await engine.dispose()


async def fill(outside: Outside, since: date) -> int:
    """Run it again and again, until nothing is left to ask; how often a window stayed open."""
    opened = 0
    for _ in range(RUNS):
        planned = await begin(outside, TOPIC, Span(since))
        if not planned.windows:
            return opened
        steps = [step async for step in go_through(outside, planned)]
        opened += sum(step.leg.state == "open" for step in steps)
    raise AssertionError(f"windows are open after {RUNS} runs")


@pytest.mark.timeout(300)
async def test_run_again_until_all_windows_are_closed_it_has_everything_and_told_it_once(
    engine: AsyncEngine,
) -> None:
    since = (NOW - timedelta(days=1000)).date()
    app = create_app(catalogue(), now=lambda: NOW, faults=FAULTS, rate_limit=False)
    async with served(app) as url, make_http(timeout=5.0) as http:
        opened = await fill(Outside(engine, eutils(http, url), lambda: NOW), since)

    async with transaction(engine) as connection:
        bodies = await connection.scalars(sa.select(tables.outbox.c.body))
        events = [decode(bytes(body)) for body in bodies]
    found = [event.data for event in events if isinstance(event, ArticleDiscovered)]
    assert opened > 3
    assert sorted(one.article.pmid for one in found) == sorted(wanted(since))
    assert all(one.backfill and one.article.title == title(one.article.pmid) for one in found)
