"""How soon the archive of a large topic answers, and how much memory an export of it takes.

    python -m tests.bench.archive [--articles 20000] [--postgres]

Pages are asked for through the whole application, without a network; each figure is the median of
its requests. "first" is a page after something has changed: the topic's shelf is put up again.
"""

import argparse
import asyncio
import random
import resource
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier import store, tables
from services.notifier.archive import store as archive
from services.notifier.item import MODALITIES
from services.notifier.project import Known
from services.notifier.tokens import Tokens
from services.notifier.vault import Vault
from services.notifier.web.app import make_web
from services.notifier.web.house import House
from shared.article import AbstractSection, Author, Journal, PartialDate
from shared.database import make_engine, transaction
from shared.events import Classification, Classified, Evidence, Label, Reason
from shared.migrate import upgrade
from tests.builders import an_article, poll_completed
from tests.parts import start_postgres

TOPIC = "car-autoimmune"
NOW = datetime(2026, 9, 21, 12, tzinfo=UTC)
BATCH = 200
REQUESTS = 15
KEYS = (SecretStr("a key for benches, long enough"),)
DISEASES = tuple(f"disease-{n}" for n in range(60))
RELATIONS = ("query", "similar", "cited-by", "references", "cites-tracked")

PAGES = {
    "no filter": "",
    "one filter": "?modality=caar-t",
    "filters and a year": "?modality=cd19-car-t&disease=disease-3&year=2025&kind=article",
    "all scopes, nearest first": "?scope=all&sort=related",
    "page 300": "?page=300&scope=all",
    "a frequent word": "?q=cells",
    "a rare word": "?q=word4999",
    "words and filters": "?q=cells+word12&modality=caar-t",
}


def an_entry(pmid: int, chance: random.Random, vocabulary: list[str]) -> Known:
    """An article as long as PubMed's are: 230 words, six labels with their sentences."""
    words = chance.choices(vocabulary, k=230)
    text = "CAR-T cells " + " ".join(words) + "."
    day = NOW - timedelta(hours=chance.randrange(24 * 3650))
    names = [chance.choice(MODALITIES), *((one, one.title()) for one in chance.sample(DISEASES, 2))]
    facets = ("modality", "disease", "disease", "evidence", "target")
    picked = [*names, ("trial", "Trial"), (f"target-{chance.randrange(20)}", "Target")]
    evidence = Evidence(
        place="abstract", sentence=text[:300], start=0, end=5, matched=text[:5], rule="r", section=0
    )
    labels = tuple(
        Label(facet=facet, id=one[0], name=one[1], confidence=0.9, evidence=(evidence, evidence))
        for facet, one in zip(facets, picked, strict=True)
    )
    article = an_article(
        pmid=pmid, title=" ".join(words[:14]), abstract=(AbstractSection(text=text),),
        authors=tuple(Author(last_name=word.title(), initials="A") for word in words[20:28]),
        journal=Journal(title=f"Journal {chance.randrange(900)}"),
        published=PartialDate(year=day.year, month=day.month, day=day.day), entered_at=day,
        publication_types=("Preprint",) if chance.random() < 0.1 else ("Journal Article",),
        references=tuple(chance.randrange(10**8) for _ in range(40)),
    )  # fmt: skip
    entry = Classified(
        topic=TOPIC, article=article, revision=1, relatedness=round(chance.random(), 3),
        reasons=tuple(Reason(relation=one) for one in chance.sample(RELATIONS, 2)),
        poll_id="p1", discovered_at=day, backfill=chance.random() < 0.8,
        classification=Classification(
            scope=chance.choice(("core", "core", "adjacent", "oncology", "none")), labels=labels,
            taxonomy_version="1", classifier_version="1",
        ),
    )  # fmt: skip
    return Known(entry, day, day, day, entry.backfill)


async def fill(engine: AsyncEngine, articles: int) -> None:
    """Put a topic into the tables, as events would, but many in a transaction."""
    chance = random.Random(7)  # noqa: S311  the same topic each time
    vocabulary = [f"word{n}" for n in range(5000)] + ["cells"] * 60
    for start in range(0, articles, BATCH):
        async with transaction(engine) as connection:
            pmids = range(start + 1, min(start + BATCH, articles) + 1)
            known = [an_entry(30_000_000 + pmid, chance, vocabulary) for pmid in pmids]
            await store.keep_first(connection, known)
            await archive.index(connection, known)
    async with transaction(engine) as connection:
        await store.keep_poll(connection, poll_completed().data)


async def change_one(engine: AsyncEngine) -> None:
    """As a revision of one article does."""
    async with transaction(engine) as connection:
        await connection.execute(
            tables.cards.update()
            .where(tables.cards.c.pmid == 30_000_001)
            .values(stamp=tables.cards.c.stamp + 1)
        )


async def timed(ask: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds."""
    start = time.perf_counter()
    await ask()
    return (time.perf_counter() - start) * 1000


async def measure(engine: AsyncEngine) -> None:
    """Print the figures."""
    house = House(engine, lambda: NOW, Tokens(KEYS), Vault(KEYS), "http://bench")
    transport = httpx.ASGITransport(make_web(house))
    async with httpx.AsyncClient(transport=transport, base_url="http://bench") as client:

        async def page(query: str) -> None:
            answer = await client.get(f"/topics/{TOPIC}{query}")
            assert answer.status_code == 200

        firsts = []
        for _ in range(5):
            await change_one(engine)
            firsts.append(await timed(lambda: page("?modality=caar-t")))
        print(f"  {'first, one filter':28} {statistics.median(firsts):7.0f} ms")  # noqa: T201
        for name, query in PAGES.items():
            took = [await timed(lambda query=query: page(query)) for _ in range(REQUESTS)]  # type: ignore[misc]
            print(f"  {name:28} {statistics.median(took):7.0f} ms, at most {max(took):.0f}")  # noqa: T201
        await export(client)


async def export(client: httpx.AsyncClient) -> None:
    """A whole topic as CSV, read in pieces."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, size = time.perf_counter(), 0
    async with client.stream("GET", f"/topics/{TOPIC}.csv?scope=all") as answer:
        async for piece in answer.aiter_bytes():
            size += len(piece)
    took = time.perf_counter() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"  CSV of all: {size / 1e6:.0f} MB in {took:.1f} s, {grown:.0f} MB more memory")  # noqa: T201


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on migrated tables."""
    engine = make_engine(url)
    try:
        if url.startswith("postgresql"):
            async with engine.begin() as connection:
                await connection.execute(sa.schema.CreateSchema("notifier", if_not_exists=True))
        await upgrade(engine, "notifier")
        yield engine
    finally:
        await engine.dispose()


async def run(name: str, url: str, articles: int) -> None:
    """Fill and measure one database."""
    async with opened(url) as engine:
        start = time.perf_counter()
        await fill(engine, articles)
        took = time.perf_counter() - start
        print(f"{name}: {articles:,} articles, filled in {took:.0f} s")  # noqa: T201
        if url.startswith("postgresql"):
            async with engine.connect() as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                await connection.execute(sa.text("VACUUM ANALYZE"))
        await measure(engine)


def main() -> None:
    """Measure on SQLite, and on PostgreSQL in Docker if asked for."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--articles", type=int, default=20_000)
    asked.add_argument("--postgres", action="store_true")
    given = asked.parse_args()
    with TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'bench.db'}"
        asyncio.run(run("SQLite", url, given.articles))
    if given.postgres:
        with start_postgres() as server:
            asyncio.run(run("PostgreSQL", server.new_database("bench"), given.articles))


if __name__ == "__main__":
    main()
