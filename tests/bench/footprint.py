"""What an article, a digest and a reader take: processor time by part, bytes in PostgreSQL.

    python -m tests.bench.footprint [FILE] [--articles 1500] [--readers 300]

Needs Docker. FILE is PubMed XML, gzip or not; without it the recorded one is taken, and without
that the demo's articles under other numbers. Digests are of the demo's. One process does the work
of poller, classifier and notifier in turn on one PostgreSQL; its processor time and the database's
are counted apart; the broker's is measured by `tests.bench.line`. The figures are the inputs
of `tests.bench.capacity`.
"""

import argparse
import asyncio
import gzip
import sys
import tracemalloc
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

from services.console.demo_articles import demo_articles
from services.poller import store
from services.poller.parse import parse_records
from services.poller.poll import Moment, discover
from shared.article import Article
from shared.database import make_engine, transaction
from shared.logs import configure_logging
from shared.migrate import upgrade
from tests.bench.footprint_broker import waiting
from tests.bench.footprint_parts import FOUND, NOW, TOPIC, Line, Meter, Stage
from tests.bench.footprint_readers import Readers
from tests.bench.footprint_requests import requests_of_a_poll
from tests.parts import start_postgres, start_rabbit

RECORDED = Path(__file__).parents[3] / "shared" / "eutils" / "bench.xml.gz"


def main() -> None:
    """Measure, and print the figures."""
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    words.add_argument("file", nargs="?", type=Path)
    words.add_argument("--articles", type=int, default=1_500)
    words.add_argument("--readers", type=int, default=300)
    given = words.parse_args()
    configure_logging("bench", as_json=False, level=50)
    with start_postgres() as postgres:
        meter = Meter(postgres.container.get_wrapped_container())
        articles = _articles(given.file, given.articles)
        asyncio.run(_measure_articles(postgres.new_database("articles"), meter, articles))
        for count in (25, 100):
            url = postgres.new_database(f"readers{count}")
            asyncio.run(_measure_readers(url, meter, given.readers, count))
    with start_rabbit() as rabbit:
        decided = [discover(one, FOUND, Moment(TOPIC, "p1", NOW)) for one in articles]
        events = [one.event for one in decided if one.event is not None]
        for told in asyncio.run(waiting(rabbit, events)):
            _say(told)
    for told in asyncio.run(requests_of_a_poll()):
        _say(told)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _articles(file: Path | None, count: int) -> list[Article]:
    """So many articles under numbers of their own."""
    path = file or RECORDED
    if path.exists():
        raw = path.read_bytes()
        found: Sequence[Article] = parse_records(
            gzip.decompress(raw) if path.suffix == ".gz" else raw
        ).articles
        _say(f"{len(found)} records of {path.name}")
    else:
        found = demo_articles()
        _say(f"{len(found)} of the demo's articles")
    numbered = enumerate(islice(cycle(found), count))
    return [one.model_copy(update={"pmid": 60_000_000 + n}) for n, one in numbered]


async def _measure_articles(url: str, meter: Meter, articles: Sequence[Article]) -> None:
    engine = make_engine(url)
    for service in ("poller", "classifier", "notifier"):
        await upgrade(engine, service)
    line = Line(engine, meter)
    _say(_told(await line.polled(articles)))
    _say(_told(await line.classified()))
    _say(_told(await line.remembered()))
    await _known(line)
    await engine.dispose()


async def _measure_readers(url: str, meter: Meter, count: int, articles: int) -> None:
    engine = make_engine(url)
    _say(f"{count} readers of {articles} new articles")
    async for told in Readers(engine, meter, count).measured(articles):
        _say(told)
    await engine.dispose()


def _told(stage: Stage) -> str:
    return (
        f"{stage.name:12}{stage.count:7d} articles  {stage.service_ms:6.2f} ms service"
        f"  {stage.database_ms:6.2f} ms database  {stage.stored:8.0f} B stored"
        f"  {stage.event:8.0f} B event"
    )


async def _known(line: Line) -> None:
    """What a poll holds in memory of each article that its topic knows."""
    tracemalloc.start()
    async with transaction(line.engine) as connection:
        known = await store.read_known(connection, TOPIC.id)
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    each = f"{held / len(known):6.0f} B held, {most / len(known):6.0f} B at most"
    _say(f"known       {len(known):7d} articles  {each}")


if __name__ == "__main__":
    main()
