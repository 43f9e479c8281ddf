"""Replays through a real broker and database, with the real services at work."""

import asyncio
import hashlib
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.classifier import tables as classifier
from services.console.archive.stream import Stream
from services.console.replay import journal
from services.console.replay.journal import Standing
from services.notifier import tables as notifier
from shared.broker import declare_topology, make_broker, publisher
from shared.database import make_engine, transaction
from shared.events import CloudEvent, ReplayFinished
from shared.migrate import upgrade
from shared.outbox import Outgoing
from shared.parking import parked_at
from shared.topology import CLASSIFIER
from tests.builders import an_article, discovered, poll_completed
from tests.eventually import eventually
from tests.integration.test_services import Running
from tests.parts import Rabbit

pytestmark = [pytest.mark.connected, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
ARTICLES, REVISIONS = 60, 3
EVENTS = 2 * ARTICLES * REVISIONS + 1
"""Discoveries, what they are labelled, and a poll."""
PROJECTED = (notifier.articles, notifier.revisions, notifier.received, notifier.polls,
             notifier.cards, notifier.labels, notifier.digests,
             classifier.classifications, classifier.inbox)  # fmt: skip


@dataclass
class Deployment:
    """What an operator's shell knows of it, and ways to look into it."""

    amqp_url: str
    database_url: str
    stream_port: int

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "services.console", "replay", *words]

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],  # noqa: TID251  as a shell has it
            "COLUMNS": "200",
            "CARILLON_AMQP_URL": self.amqp_url,
            "CARILLON_DATABASE_URL": self.database_url,
            "CARILLON_STREAM_PORT": str(self.stream_port),
        }

    def carillon(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(*words), env=self.environment, cwd=ROOT, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip

    @contextmanager
    def running(self, *words: str) -> Iterator["subprocess.Popen[str]"]:
        process = subprocess.Popen(
            self.command(*words), env=self.environment, cwd=ROOT, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    async def replays(self) -> list[Standing]:
        engine = make_engine(self.database_url)
        try:
            await upgrade(engine, "console")
            async with transaction(engine) as connection:
                return await journal.everything(connection)
        finally:
            await engine.dispose()

    async def sent(self) -> int:
        found = await self.replays()
        return found[0].sent if found else 0

    async def tables(self) -> dict[str, str]:
        """A hash of all rows of each table that something live stands on."""
        engine = make_engine(self.database_url)
        found = {}
        async with transaction(engine) as connection:
            for table in PROJECTED:
                rows = await connection.execute(sa.select(table).order_by(*table.primary_key))
                text = "\n".join(map(repr, rows))
                name = f"{table.schema}.{table.name}"
                found[name] = f"{text.count(chr(10))} {hashlib.sha256(text.encode()).hexdigest()}"
        await engine.dispose()
        return found

    async def archive(self) -> list[CloudEvent]:
        stream = Stream(self.amqp_url, self.stream_port)
        return [entry.event() async for entry in stream.read()]


async def _publish(url: str, events: Sequence[CloudEvent]) -> None:
    broker = make_broker(url)
    await broker.start()
    batch = [
        Outgoing(one.id, type(one).model_fields["type"].default, one.ROUTING_KEY, one.encode())
        for one in events
    ]
    assert await publisher(broker)(batch) == [None] * len(events)
    await broker.stop()


async def _count(url: str, table: sa.Table) -> int:
    engine = make_engine(url)
    async with transaction(engine) as connection:
        count = await connection.scalar(sa.select(sa.func.count()).select_from(table))
    await engine.dispose()
    return count or 0


@pytest.fixture
async def lived(
    amqp_url: str, postgres_url: str, rabbit: Rabbit, tmp_path: Path
) -> AsyncIterator[Deployment]:
    """A deployment that has had its articles, and goes on working."""
    engine = make_engine(postgres_url)
    for service in ("poller", "classifier", "notifier"):
        await upgrade(engine, service)
    await engine.dispose()
    await declare_topology(amqp_url)
    ways = {"DATABASE_URL": postgres_url, "AMQP_URL": amqp_url}
    running = [Running("classifier", ways),
               Running("notifier", ways | {"DELIVERY": "capture",
                                           "CAPTURE_DIR": str(tmp_path / "mail")})]  # fmt: skip
    try:
        for revision in range(1, REVISIONS + 1):
            events = [discovered(article=an_article(pmid=1000 + n), revision=revision)
                      for n in range(ARTICLES)]  # fmt: skip
            await _publish(amqp_url, events)
        await _publish(amqp_url, [poll_completed()])

        async def arrived() -> bool:
            revisions = await _count(postgres_url, notifier.revisions)
            return revisions == ARTICLES * REVISIONS and bool(
                await _count(postgres_url, notifier.polls)
            )

        await eventually(arrived, within=90, pause=0.5)
        yield Deployment(amqp_url, postgres_url, rabbit.stream_port)
    finally:
        for one in running:
            one.process.kill()
            one.process.communicate(timeout=20)


def _adds_up(found: Standing) -> None:
    every = found.outcomes
    assert found.chosen == found.sent + found.repeated
    assert sum(one["sent"] for one in every.values()) == found.sent
    for one in every.values():
        assert one["sent"] == sum(count for name, count in one.items() if name != "sent")


async def test_everything_is_replayed_and_nothing_live_is_touched(lived: Deployment) -> None:
    before, archived = await lived.tables(), await lived.archive()

    done = await asyncio.to_thread(
        lived.carillon, "--broker", "--go", "--because", "to see it", "--by", "ada@example.org"
    )

    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = await lived.replays()
    _adds_up(found)
    half = ARTICLES * REVISIONS
    assert found.outcomes == {
        "classifier": {"sent": half, "deduplicated": half},
        "notifier": {"sent": half + 1, "deduplicated": half + 1},
    }
    assert await lived.tables() == before
    after = await lived.archive()
    assert after[: len(archived)] == archived
    (told,) = after[len(archived) :]
    assert isinstance(told, ReplayFinished)
    assert (told.data.by, told.data.because) == ("ada", "to see it")
    assert (told.data.sent, told.data.deduplicated) == (EVENTS, EVENTS)


async def test_killed_half_way_and_resumed_the_report_adds_up(lived: Deployment) -> None:
    before = await lived.tables()
    with lived.running("--broker", "--go", "--rate", "150") as process:
        await eventually(_sent_more(lived, EVENTS // 3), within=60, pause=0.1)
        process.send_signal(signal.SIGKILL)
    (broken_off,) = await lived.replays()
    assert broken_off.sent < EVENTS
    assert broken_off.state == "running"

    done = await asyncio.to_thread(lived.carillon, "resume", broken_off.order.replay_id[:8])

    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = await lived.replays()
    _adds_up(found)
    assert (found.state, found.sent) == ("finished", EVENTS)
    assert await lived.tables() == before
    assert Counter(type(one) for one in await lived.archive())[ReplayFinished] == 1
    again = await asyncio.to_thread(lived.carillon, "resume", found.order.replay_id)
    assert again.returncode == 0, again.stdout + again.stderr
    assert Counter(type(one) for one in await lived.archive())[ReplayFinished] == 1


async def test_one_process_runs_a_replay_and_others_steer_it(lived: Deployment) -> None:
    with lived.running("--broker", "--go", "--rate", "6") as first:
        await eventually(_sent_more(lived, 2), within=60, pause=0.1)
        name = (await lived.replays())[0].order.replay_id[:8]
        second = await asyncio.to_thread(lived.carillon, "resume", name)
        assert second.returncode == 1
        assert "another process runs the replay" in second.stderr

        paused = await asyncio.to_thread(lived.carillon, "pause", name)
        assert paused.returncode == 0, paused.stderr
        said, _ = await asyncio.to_thread(first.communicate, timeout=30)
    assert first.returncode == 1, said
    assert re.search(rf"resume {name}", said), said
    (found,) = await lived.replays()
    assert (found.state, found.is_running(found.order.started_at)) == ("paused", False)

    before = await lived.sent()
    with lived.running("resume", name) as again:
        await eventually(_sent_more(lived, before), within=60, pause=0.1)
        again.send_signal(signal.SIGINT)
        said, _ = await asyncio.to_thread(again.communicate, timeout=30)
    assert (again.returncode, (await lived.replays())[0].state) == (1, "paused"), said

    cancelled = await asyncio.to_thread(lived.carillon, "cancel", name)
    assert cancelled.returncode == 0, cancelled.stderr
    (found,) = await lived.replays()
    assert (found.state, found.told) == ("cancelled", True)
    assert found.sent < EVENTS
    shown = await asyncio.to_thread(lived.carillon, "show", name)
    assert f"not sent yet: {EVENTS - found.sent}" in shown.stdout


def _sent_more(lived: Deployment, than: int) -> Callable[[], "asyncio.Future[bool]"]:
    async def more() -> bool:
        return await lived.sent() > than

    return lambda: asyncio.ensure_future(more())


async def test_what_is_parked_is_replayed_by_its_reason_and_what_fails_again_is_counted(
    lived: Deployment,
) -> None:
    poison = discovered(article=an_article(pmid=5_000_000_000))
    await _publish(lived.amqp_url, [poison])
    await eventually(lambda: _parked(lived.amqp_url, 1), within=30)

    done = await asyncio.to_thread(
        lived.carillon, "--parked", "permanent", "--queue", "classifier", "--go"
    )

    assert done.returncode == 1, done.stdout + done.stderr
    (found,) = await lived.replays()
    assert (found.state, found.outcomes) == ("finished", {"classifier": {"sent": 1, "failed": 1}})
    assert f"failed: classifier {poison.id}" in done.stdout
    assert await _parked(lived.amqp_url, 2), "the first one is still there"


async def _parked(url: str, count: int) -> bool:
    found = await parked_at(url, CLASSIFIER)
    return found is not None and found.count == count
