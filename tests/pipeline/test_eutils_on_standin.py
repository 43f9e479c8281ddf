"""Our E-utilities against the stand-in, over HTTP: what one asks, the other understands."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime

from services.ncbi_sim.app import create_app
from services.ncbi_sim.catalogue import Catalogue, read_catalogue
from services.poller.eutils import Access, Client, Conduct, Eutils, Limiter, Verdict, Window
from services.poller.eutils.client import make_http
from services.poller.eutils.limit import limiter_for
from services.poller.eutils.search import Sizes, search
from services.poller.parse import parse_records
from tests.unit.ncbi_sim.served import served

NOW = datetime(2026, 9, 7, 5, tzinfo=UTC)
DAY_ZERO = NOW.date()
BUSY, QUIET = -3, -10
PMIDS = range(1000, 1240)
TINY = Sizes(page=7, cap=20)


def catalogue() -> Catalogue:
    """A seed; 200 articles of one busy day, a few a minute, and 40 of the days before it."""
    head = {"id": "c", "seed": 100, "day_zero": DAY_ZERO, "days": 3, "notice": "Test."}
    seed = {"pmid": 100, "title": "Lupus.", "journal": "J", "year": 2024, "entered_day": -2000}
    articles = [
        {
            "pmid": pmid,
            "title": f"A report {pmid} on lupus.",
            "journal": "J",
            "year": 2026,
            "entered_day": BUSY if number < 200 else QUIET + number % 7,
            "entered_time": f"{number // 25:02}:{number % 25:02}",
        }
        for number, pmid in enumerate(PMIDS)
    ]
    return read_catalogue({"catalogue": head, "article": [seed, *articles]})


@asynccontextmanager
async def standin(
    limiter: Limiter, cap: int = 9_999, *, limited: bool = False
) -> AsyncIterator[tuple[Client, Counter[Verdict]]]:
    told: Counter[Verdict] = Counter()
    app = create_app(catalogue(), now=lambda: NOW, rate_limit=limited, cap=cap)
    conduct = Conduct(limiter, answered=lambda _utility, verdict: told.update([verdict]))
    async with served(app) as url, make_http() as http:
        yield Client(http, Access(f"{url}/entrez/eutils/"), conduct), told


async def test_a_search_over_the_cap_is_split_down_to_minutes_and_loses_nothing() -> None:
    window = Window(date(2026, 8, 20), DAY_ZERO)
    async with standin(Limiter(1_000), TINY.cap) as (client, told):
        found = await search(client, "lupus[tiab]", window, "crdt", TINY)

    assert set(found.ids) == set(PMIDS)
    assert found.count == len(found.ids) == len(PMIDS)
    assert set(told) == {Verdict.OK, Verdict.EMPTY}


async def test_a_posted_list_gives_the_records_that_its_ids_give() -> None:
    wanted = [*PMIDS[:250], 999_999]
    async with standin(Limiter(1_000)) as (client, _):
        eutils = Eutils(client)
        history = await eutils.post(wanted)
        parts = [
            await eutils.fetch_history(history, start, min(100, history.size - start))
            for start in range(0, history.size, 100)
        ]
        by_ids = await eutils.fetch(wanted[:100])

    assert history.size == len(wanted)
    received = [article.pmid for part in parts for article in parse_records(part).articles]
    assert sorted(received) == list(PMIDS)
    assert parse_records(parts[0]).articles == parse_records(by_ids).articles


async def test_summaries_tell_known_articles_from_unknown_ones() -> None:
    async with standin(Limiter(1_000)) as (client, _):
        eutils = Eutils(client)
        found = await eutils.summaries([1000, 999_999])
        known = [await eutils.exists(pmid) for pmid in (100, 999_999)]

    assert (found[1000].title, found[999_999].error) == (
        "A report 1000 on lupus.",
        "cannot get document summary",
    )
    assert known == [True, False]


async def test_many_tasks_at_once_keep_within_the_limit_of_ncbi() -> None:
    async with standin(limiter_for(None), limited=True) as (client, told):
        eutils = Eutils(client)
        await asyncio.gather(*(eutils.count("lupus[tiab]") for _ in range(12)))

    # Starts are spaced; on a busy machine a request may still arrive together with the next.
    assert told[Verdict.OK] == 12
    assert told[Verdict.THROTTLED] <= 1
