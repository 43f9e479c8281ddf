"""From the version before to this one and back, service by service, while articles flow."""

import asyncio
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from services.console.audit.facts import Facts
from services.console.audit.gather import gather
from services.console.audit.judge import judge
from services.console.scenario import CLOCK, write_clock
from services.console.settings import Settings
from services.console.stores import Stores, deployed_stores
from services.console.trace.places import Asked
from services.notifier import tables as notifier
from services.poller import tables as poller
from shared.database import SCHEMAS, transaction
from shared.migrate import revision_of
from shared.outbox import add_all
from tests.builders import NOON, an_article, discovered, poll_completed
from tests.chaos.received import understood
from tests.eventually import eventually
from tests.installation import Place
from tests.parts import Rabbit
from tests.previous import ROOT, previous

pytestmark = [pytest.mark.connected, pytest.mark.timeout(400)]

QUARTER = timedelta(minutes=15)
SUBSCRIPTIONS = """
[[subscription]]
id = "at-once"
topic = "car-autoimmune"
address = "at-once@example.org"
confirmed = true
cadence = "immediate"
"""
ORDER = ("notifier", "classifier", "poller")
"""Who understands what is new before who says it, as docs/keeping.md has it; back the other way."""


@dataclass
class Crew:
    """The services' processes, each of one version; `told` has every mail that left."""

    place: Place
    folder: Path
    stores: Stores
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    now: datetime = NOON
    pmid: int = 41_000_000
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def environment(self, service: str, port: int) -> dict[str, str]:
        prefix = service.upper()
        settings = {
            "DATABASE_URL": self.place.database,
            "AMQP_URL": self.place.amqp,
            "PORT": str(port),
            "CLOCK_FILE": str(self.folder / CLOCK),
            "EUTILS_URL": "http://127.0.0.1:1/",
            "TOPICS_DIR": str(ROOT / "topics"),
            "SUBSCRIPTIONS_FILE": str(self.folder / "subscriptions.toml"),
            "CAPTURE_DIR": str(self.folder / "mail"),
            "SECRET_FILE": str(self.folder / "notifier.key"),
            "WEB_PORT": "0",
        }
        return {"PATH": os.environ["PATH"]} | {  # noqa: TID251  to find Python's own libraries
            f"{prefix}_{name}": value for name, value in settings.items()
        }

    async def take_over(self, service: str, code: Path) -> None:
        """Start it of this version; when it is ready, that of the other version is told to stop."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with (self.folder / f"{service}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: ASYNC220  it is started, not waited for
                [sys.executable, "-m", f"services.{service}"],
                cwd=code, env=self.environment(service, port), stdout=log, stderr=log,
            )  # fmt: skip
        before = self.running.get(service)
        self.running[service] = process

        async def is_ready() -> bool:
            assert process.poll() is None, (self.folder / f"{service}.log").read_text()[-3000:]
            try:
                async with httpx.AsyncClient(timeout=2, trust_env=False) as http:
                    return (await http.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
            except httpx.HTTPError:
                return False

        await eventually(is_ready, within=90, pause=0.2)
        if before is not None:
            before.terminate()
            assert await asyncio.to_thread(before.wait, 60) == 0

    def carillon(self, code: Path, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "services.console", *words],
            cwd=code, env={"PATH": "/usr/bin:/bin", **self.place.environment},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    async def find(self) -> None:
        """Three articles, as the poller writes down what it has found."""
        poll_id = f"poll-{self.pmid}"
        events = []
        rows = []
        for pmid in range(self.pmid + 1, self.pmid + 4):
            article = an_article(
                pmid=pmid, title=f"CD19 CAR-T cells in lupus, {pmid}", entered_at=self.now
            )
            event = discovered(article=article, poll_id=poll_id, discovered_at=self.now)
            events.append(event.model_copy(update={"time": self.now}))
            rows.append(
                {
                    "topic": event.data.topic, "pmid": pmid, "revision": 1, "status": "published",
                    "content_hash": "h", "article": article.model_dump(mode="json"), "reasons": [],
                    "relatedness": 0.0, "backfill": False, "discovered_at": self.now,
                    "announced_at": self.now, "reread_at": self.now, "poll_id": poll_id,
                }
            )  # fmt: skip
        ended = poll_completed(
            poll_id=poll_id, announced=3, started_at=self.now, finished_at=self.now
        )
        async with transaction(self.stores.poller) as connection:
            await connection.execute(poller.articles.insert(), rows)
            await add_all(connection, poller.outbox, [*events, ended], self.now)
        self.pmid += 3

    async def flow(self) -> None:
        """Articles come all the time, and every few seconds a quarter of an hour has passed."""
        while not self.stopping.is_set():
            await self.find()
            await asyncio.sleep(1.5)
            self.now += QUARTER
            write_clock(self.folder, self.now)
            await asyncio.sleep(1.5)

    async def settled(self) -> None:
        """Every article has arrived, and was told."""
        query = sa.select(sa.func.count()).where(notifier.ledger.c.delivered_at.is_not(None))

        async def told() -> bool:
            self.now += QUARTER
            write_clock(self.folder, self.now)
            async with transaction(self.stores.notifier) as connection:
                return await connection.scalar(query) == self.found

        await eventually(told, within=120, pause=1.0)

    @property
    def found(self) -> int:
        return self.pmid - 41_000_000

    @property
    def told(self) -> Counter[int]:
        mails = [
            understood("reader", path.read_bytes(), 0.0, answered=True)
            for path in (self.folder / "mail").glob("*.eml")
        ]
        return Counter(pmid for mail in mails for pmid in mail.pmids)

    async def revisions(self) -> dict[str, str | None]:
        async with transaction(self.stores.notifier) as connection:
            return {service: await revision_of(connection, service) for service in SCHEMAS}


@asynccontextmanager
async def flowing(crew: Crew) -> AsyncIterator[None]:
    crew.stopping.clear()
    task = asyncio.create_task(crew.flow())
    await asyncio.sleep(4)
    try:
        yield
        await asyncio.sleep(4)
    finally:
        crew.stopping.set()
        await task


@pytest.fixture
async def crew(
    amqp_url: str, postgres_url: str, rabbit: Rabbit, tmp_path: Path
) -> AsyncIterator[Crew]:
    (tmp_path / "subscriptions.toml").write_text(SUBSCRIPTIONS)
    write_clock(tmp_path, NOON)
    stores = deployed_stores(postgres_url)
    one = Crew(Place(amqp_url, postgres_url, rabbit.stream_port), tmp_path, stores)
    yield one
    for process in one.running.values():
        process.kill()
        process.wait(10)
    await stores.close()


async def test_services_are_upgraded_and_rolled_back_one_by_one_under_load(
    crew: Crew, tmp_path: Path
) -> None:
    old, commit = previous(tmp_path / "old")
    crew.carillon(old, "migrate")
    before = await crew.revisions()
    for service in ORDER:
        await crew.take_over(service, old)

    async with flowing(crew):
        crew.carillon(ROOT, "migrate")
        for service in ORDER:
            await crew.take_over(service, ROOT)
    await crew.settled()
    assert crew.told == Counter(range(41_000_001, crew.pmid + 1)), commit
    upgraded = crew.found
    assert upgraded > 10

    async with flowing(crew):
        for service in reversed(ORDER):
            await crew.take_over(service, old)
    for service in SCHEMAS:
        while (await crew.revisions())[service] != before[service]:
            crew.carillon(ROOT, "migrate", "--back", service)
    crew.carillon(old, "migrate")  # which old images do before they start
    await crew.settled()
    assert crew.told == Counter(range(41_000_001, crew.pmid + 1)), commit
    assert crew.found > upgraded

    crew.carillon(ROOT, "migrate")
    settings = Settings(
        database_url=SecretStr(crew.place.database),
        amqp_url=SecretStr(crew.place.amqp),
        stream_port=crew.place.stream_port,
    )
    facts = await gather(settings, Asked(0, None, None, crew.now))
    assert isinstance(facts, Facts), facts
    verdict = judge(facts)
    assert verdict.findings == ()
    assert verdict.places == {"at the notifier": crew.found}
