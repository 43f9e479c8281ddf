"""Two pollers of one installation: one polls, the other takes over when the first is killed."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import aio_pika
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.ncbi_sim.app import create_app
from services.ncbi_sim.catalogue import Catalogue, read_catalogue
from services.poller import tables
from services.poller.eutils import CHUNK
from shared import topology
from shared.broker import declare_topology
from shared.clock import file_clock
from shared.database import make_engine, transaction
from shared.events import ArticleDiscovered, PollCompleted, decode
from shared.migrate import upgrade
from shared.serving import Asgi, served
from tests.eventually import eventually
from tests.integration.test_services import Running

pytestmark = [pytest.mark.connected, pytest.mark.timeout(180)]

DAY = datetime(2026, 9, 7, 5, tzinfo=UTC)
FIRST, LATER = range(1000, 1260), range(2000, 2003)
"""More than one request of records brings, and what comes a day after."""

TOPIC = """
id = "lupus"
title = "CAR cells in lupus"
seed = 100
poll_every_minutes = 60
[[query]]
name = "lupus"
term = "lupus[tiab]"
"""


def _catalogue() -> Catalogue:
    days = {100: -900, **dict.fromkeys(FIRST, -3), **dict.fromkeys(LATER, 1)}
    articles = [
        {
            "pmid": pmid,
            "title": f"CD19 CAR-T cells in lupus, report {pmid}.",
            "journal": "Journal of tests",
            "year": 2026,
            "entered_day": day,
            "simulated": True,
            "summary": ["Patients with lupus received CD19 CAR-T cells and stayed well."],
        }
        for pmid, day in days.items()
    ]
    head = {"id": "two", "seed": 100, "day_zero": date(2026, 9, 7), "days": 4, "notice": "Test."}
    return read_catalogue({"catalogue": head, "article": articles})


@dataclass
class PubMed:
    """The stand-in, which can keep an asker waiting: its second request of records of a poll."""

    app: Asgi
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: Counter[str] = field(default_factory=Counter)

    async def __call__(self, scope: dict[str, Any], receive: object, send: object) -> None:
        utility = str(scope.get("path", "")).rsplit("/", 1)[-1]
        self.asked[utility] += 1
        if utility == "efetch.fcgi" and self.asked[utility] == 2:
            await self.gate.wait()
        await self.app(scope, receive, send)


@dataclass
class Installation:
    """Where the pollers work, and what came of it."""

    engine: AsyncEngine
    amqp_url: str
    pubmed: PubMed
    clock: Path
    begin: Callable[[], Running]
    heard: list[bytes] = field(default_factory=list)

    def turn(self, **ahead: int) -> None:
        """Put the clock of all of them so far after the first day's five o'clock."""
        self.clock.write_text((DAY + timedelta(**ahead)).isoformat(), encoding="ascii")

    async def count(self, table: sa.Table) -> int:
        async with transaction(self.engine) as connection:
            query = sa.select(sa.func.count()).select_from(table)
            return int(await connection.scalar(query) or 0)

    async def polled(self, times: int) -> bool:
        """Whether so many polls have ended, and all that they have to say was published."""
        return await self.count(tables.polls) >= times and not await self.count(tables.outbox)

    async def hear(self) -> None:
        """Take what was published out of the queues."""
        connection = await aio_pika.connect(self.amqp_url)
        async with connection:
            channel = await connection.channel()
            for consumer in topology.CONSUMERS:
                queue = await channel.get_queue(consumer.name, ensure=False)
                while message := await queue.get(fail=False):
                    self.heard.append(message.body)
                    await message.ack()


@pytest.fixture
async def installation(
    amqp_url: str, postgres_url: str, tmp_path: Path
) -> AsyncIterator[Installation]:
    (tmp_path / "topics").mkdir()
    (tmp_path / "topics" / "lupus.toml").write_text(TOPIC, encoding="utf-8")
    clock = tmp_path / "now"
    engine = make_engine(postgres_url)
    await upgrade(engine, "poller")
    await declare_topology(amqp_url)
    now = file_clock(clock)
    pubmed = PubMed(create_app(_catalogue(), now=now, rate_limit=False))
    begun: list[Running] = []
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(served(pubmed, "127.0.0.1", 0))

        def begin() -> Running:
            settings = {
                "DATABASE_URL": postgres_url,
                "AMQP_URL": amqp_url,
                "TOPICS_DIR": str(tmp_path / "topics"),
                "EUTILS_URL": f"{url}/entrez/eutils/",
                "NCBI_API_KEY": "ten-a-second",
                "CLOCK_FILE": str(clock),
            }
            begun.append(Running("poller", settings))
            return begun[-1]

        made = Installation(engine, amqp_url, pubmed, clock, begin)
        made.turn()
        yield made
        pubmed.gate.set()
        for one in begun:
            one.process.kill()
            one.process.communicate(timeout=10)
    await engine.dispose()


async def _asked_for_the_rest(one: Installation) -> bool:
    """The first chunk is written, and whoever polls waits for the second."""
    return one.pubmed.asked["efetch.fcgi"] == 2 and await one.count(tables.articles) > 0


async def test_the_second_takes_over_what_the_first_left_and_two_say_nothing_twice(
    installation: Installation,
) -> None:
    first = installation.begin()
    await eventually(lambda: _asked_for_the_rest(installation), within=60)
    second = installation.begin()
    await eventually(lambda: second.probe("/readyz") == 200, within=60)
    asked = installation.pubmed.asked.copy()
    await asyncio.sleep(3)  # three times the second one's look at what is due
    assert installation.pubmed.asked == asked, "both asked PubMed"
    assert await installation.count(tables.polls) == 0

    installation.turn(minutes=1)
    first.process.kill()

    await eventually(lambda: installation.polled(1), within=60)
    third = installation.begin()
    await eventually(lambda: third.probe("/readyz") == 200, within=60)
    installation.turn(days=1, hours=9)
    await eventually(lambda: installation.polled(2), within=60)
    await asyncio.sleep(2)  # for a poll too many
    assert await installation.count(tables.polls) == 2

    await installation.hear()
    events = [decode(body) for body in installation.heard]
    told = Counter(int(e.subject) for e in events if isinstance(e, ArticleDiscovered))
    polls = [event.data for event in events if isinstance(event, PollCompleted)]
    assert told == Counter([*FIRST, *LATER])
    assert sorted(poll.announced for poll in polls) == [len(LATER), len(FIRST) - CHUNK]
    assert all(poll.healthy for poll in polls)
