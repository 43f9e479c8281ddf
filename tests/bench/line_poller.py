"""The poller's part in `tests.bench.line`, as a process: `python -m tests.bench.line_poller WAY`.

For each line `FIRST COUNT` on stdin so many new articles are written as a poll writes them, in
chunks, and told; the answer is the instant (of the monotonic clock) before the first was written.
`outbox` is the real way: rows and events in one transaction, and the relay. `bare` writes the rows,
then publishes each chunk at once, each event confirmed: what is killed in between is lost.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.demo_articles import demo_articles
from services.poller import store, tables
from services.poller.eutils.fetch import CHUNK
from services.poller.poll import Decision, Found, Moment, discover
from services.poller.topic import Topic, read_topics
from shared import collector
from shared.article import Article
from shared.broker import make_broker, publisher
from shared.clock import system_clock
from shared.database import make_engine, transaction
from shared.events import Reason
from shared.logs import configure_logging
from shared.outbox import Outgoing, Publish
from shared.process import Loop, Service, run
from shared.settings import load
from shared.under_replay import UnderReplay

TOPICS = Path(__file__).parents[2] / "topics"
FOUND = Found((Reason(relation="query", name="core"),))


class Settings(BaseSettings):
    """Where the engines are, as for the real poller."""

    model_config = SettingsConfigDict(env_prefix="POLLER_")

    database_url: SecretStr
    amqp_url: SecretStr
    port: int


@dataclass(frozen=True)
class Source:
    """New articles of a topic, as many as are wanted: the demo's, under other numbers."""

    topic: Topic
    articles: tuple[Article, ...]

    def chunks(self, first: int, count: int) -> list[list[Decision]]:
        """What a poll decides about so many new articles."""
        moment = Moment(self.topic, "0c1f3f3e-0000-5000-8000-000000000001", system_clock())
        texts = islice(cycle(self.articles), first % len(self.articles), None)
        found = [
            discover(article.model_copy(update={"pmid": pmid}), FOUND, moment)
            for pmid, article in zip(range(first, first + count), texts, strict=False)
        ]
        return [found[start : start + CHUNK] for start in range(0, count, CHUNK)]


Tell = Callable[[Sequence[Decision]], Awaitable[None]]


def with_outbox(engine: AsyncEngine, topic: str) -> Tell:
    """As the poller does it."""

    async def tell(chunk: Sequence[Decision]) -> None:
        async with transaction(engine) as connection:
            await store.save(connection, topic, chunk, system_clock())

    return tell


def without(engine: AsyncEngine, topic: str, publish: Publish) -> Tell:
    """Rows first, then the events, and nothing that remembers what was not published."""

    async def tell(chunk: Sequence[Decision]) -> None:
        async with transaction(engine) as connection:
            silent = [replace(decision, event=None) for decision in chunk]
            await store.save(connection, topic, silent, system_clock())
        faults = await publish([_outgoing(decision) for decision in chunk])
        if any(faults):
            raise RuntimeError(f"not published: {faults}")

    return tell


def _outgoing(decision: Decision) -> Outgoing:
    event = decision.event
    if event is None:
        raise ValueError("a new article is told")
    return Outgoing(event.id, event.type, event.ROUTING_KEY, event.encode())


async def _answer(source: Source, tell: Tell) -> None:
    """One line of stdin, and the answer."""
    line = await asyncio.to_thread(sys.stdin.readline)
    if not line:
        signal.raise_signal(signal.SIGTERM)
        return
    chunks = source.chunks(*map(int, line.split()))
    start = time.monotonic()
    for chunk in chunks:
        await tell(chunk)
    sys.stdout.write(f"{start}\n")
    sys.stdout.flush()


def main() -> None:
    settings = load(Settings)
    configure_logging("poller", as_json=True)
    engine = make_engine(settings.database_url.get_secret_value())
    amqp_url = settings.amqp_url.get_secret_value()
    (topic, *_) = read_topics(TOPICS)
    source = Source(topic, demo_articles())
    broker = make_broker(amqp_url)
    real = sys.argv[1] == "outbox"
    tell = with_outbox(engine, topic.id) if real else without(engine, topic.id, publisher(broker))
    poll = Loop("poll", 0.0, lambda: _answer(source, tell), UnderReplay.LIVE_ONLY)
    parts = Service("poller", engine, tables.outbox, broker, amqp_url, settings.port, loops=[poll])
    asyncio.run(run(parts, load(collector.Settings)))


if __name__ == "__main__":
    main()
