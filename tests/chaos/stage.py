"""The whole line on real parts: engines, proxies between, PubMed, mail server, services.

Every service reaches its engines and the mail server through the proxy; the conductor and the
judge reach the engines directly.
"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import httpx
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier import tables as classifier
from services.notifier import tables as notifier
from services.poller import tables as poller
from shared.broker import declare_topology
from shared.database import make_engine, transaction
from shared.migrate import upgrade
from shared.topology import ARCHIVE, CONSUMERS
from tests.chaos.case import digest_of
from tests.chaos.containers import free_port, until
from tests.chaos.crew import ROOT
from tests.chaos.engine_postgres import PostgresEngine, postgres_engine
from tests.chaos.engine_rabbit import RabbitEngine, rabbit_engine
from tests.chaos.field import Field, prepared
from tests.chaos.hurried import hurried
from tests.chaos.readers import Reader
from tests.chaos.world import CLOCK, SUBSCRIPTIONS, TOPICS_DIR, Plan, write

CREW: Mapping[str, int] = {"poller": 1, "classifier": 2, "notifier": 2}
NAME = "carillon-audit"

Engines = tuple[RabbitEngine, PostgresEngine]


@dataclass(frozen=True)
class Stage:
    """The parts of a run that is under way; the conductor and the judge go past the proxy."""

    plan: Plan
    folder: Path
    field: Field
    web_port: int
    standin_url: str

    @property
    def clock(self) -> Path:
        """The file that shows every process the simulated time."""
        return self.folder / CLOCK

    @cached_property
    def engine(self) -> AsyncEngine:
        """For the conductor and the judge."""
        return make_engine(self.field.database_url)

    async def on_their_way(self) -> int:
        """Events in an outbox, polls that the notifier has not heard of, messages in queues.

        Counts of what was announced do not tell: a poll that was killed has announced, and is in
        no count. Parked messages and the archive stay where they are.
        """
        waiting = [_count(tables.outbox) for tables in (poller, classifier, notifier)]
        async with transaction(self.engine) as connection:
            outboxes = [(await connection.scalar(query)) or 0 for query in waiting]
            ended = (await connection.scalar(_count(poller.polls))) or 0
            known = (await connection.scalar(_count(notifier.polls))) or 0
        stored = sum(outboxes) + abs(ended - known)
        if stored:
            return stored
        try:
            held = await asyncio.to_thread(self.field.rabbit.queues, self.field.vhost)
        except (RuntimeError, subprocess.SubprocessError):
            return 1  # the broker is away, so nobody knows
        rest = {queue.parked for queue in CONSUMERS} | {ARCHIVE}
        return sum(number for name, number in held.items() if name not in rest)

    async def way_out(self, reader: Reader) -> str | None:
        """Where a mail program posts to leave, from a mail that the reader was sent."""
        query = sa.select(notifier.digests.c.id).where(
            notifier.digests.c.subscription_id == reader.id
        )
        async with transaction(self.engine) as connection:
            own = set(await connection.scalars(query))
        mails = self.field.mailbox.mails()
        ways = (mail.leave for mail in mails if digest_of(mail) in own)
        return next(ways, None)


def _count(table: sa.Table) -> sa.Select[int]:
    return sa.select(sa.func.count()).select_from(table)


@asynccontextmanager
async def raised(plan: Plan, folder: Path, engines: Engines, faster: float) -> AsyncIterator[Stage]:
    """The stage while the block runs: tables and queues are there, and no service runs yet.

    `faster` is how much faster the services' own waits pass.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write(plan, folder)
    with ExitStack() as stack:
        stage = _assembled(stack, plan, folder, engines, faster)
        try:
            for service in CREW:
                await upgrade(stage.engine, service)
            with hurried(faster):
                await declare_topology(stage.field.amqp_url)
            yield stage
        finally:
            await stage.engine.dispose()


def _assembled(
    stack: ExitStack, plan: Plan, folder: Path, engines: Engines, faster: float
) -> Stage:
    standin_url = stack.enter_context(_standin(folder))
    web_port, settings = free_port(), _settings(folder, standin_url)
    field = prepared(
        *engines,
        folder,
        entries={name: ("tests.chaos.hurried", name, str(faster)) for name in CREW},
        own={"notifier-1": {"WEB_PORT": str(web_port)}},
        poller=settings["poller"],
        classifier=settings["classifier"],
        notifier=settings["notifier"],
    )
    return Stage(plan, folder, stack.enter_context(field), web_port, standin_url)


def _settings(folder: Path, standin_url: str) -> dict[str, dict[str, str]]:
    clock = {"CLOCK_FILE": str(folder / CLOCK)}
    return {
        "poller": {
            **clock,
            "TOPICS_DIR": str(folder / TOPICS_DIR),
            "EUTILS_URL": f"{standin_url}/entrez/eutils/",
            "NCBI_API_KEY": "a-key-for-ten-requests-a-second",
            "MAX_REREAD": "400",
        },
        "classifier": clock,
        "notifier": {
            **clock,
            "SUBSCRIPTIONS_FILE": str(folder / SUBSCRIPTIONS),
            "SECRET_KEY": "a key that is only good for the chaos run",
            "PER_DOMAIN_SECOND": "1000",
        },
    }


@contextmanager
def engines(disk_mb: int = 3072) -> Iterator[Engines]:
    """A broker and a database server with a disk of that size, while the block runs."""
    with (
        rabbit_engine(f"{NAME}-rabbit") as rabbit,
        postgres_engine(f"{NAME}-postgres", disk_mb=disk_mb) as postgres,
    ):
        yield rabbit, postgres


@contextmanager
def _standin(folder: Path) -> Iterator[str]:
    """PubMed while the block runs; its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (folder / "standin.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.standin", str(folder), str(port)],
            cwd=ROOT, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        until(lambda: _answers(f"{url}/_sim/requests"), 60, "the stand-in answers")
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
