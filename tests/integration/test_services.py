"""Each service as its own process on a real broker and database: start, work, die, stop."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
import sqlalchemy as sa

from services.classifier import tables as classifier
from services.notifier import tables as notifier
from shared.broker import declare_topology, make_broker, publisher
from shared.database import make_engine, transaction
from shared.events import ArticleClassified, ArticleDiscovered, PollCompleted
from shared.migrate import upgrade
from shared.outbox import Outgoing
from tests.builders import classified, discovered, poll_completed
from tests.eventually import eventually

pytestmark = [pytest.mark.connected, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
Start = Callable[..., "Running"]


class Running:
    """One service process and its probes."""

    def __init__(
        self, name: str, environment: dict[str, str], plain: dict[str, str] | None = None
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        prefix = name.upper()
        settings = {f"{prefix}_{key}": value for key, value in environment.items()}
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"services.{name}"],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", f"{prefix}_PORT": str(self.port), **settings}
            | (plain or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def probe(self, path: str) -> int:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=8) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code
        except URLError:
            return 0

    def stop(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGTERM)
        logs, _ = self.process.communicate(timeout=40)
        return self.process.returncode, logs


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Running] = []

    def with_settings(
        name: str, plain: dict[str, str] | None = None, /, **environment: str
    ) -> Running:
        started.append(Running(name, environment, plain))
        return started[-1]

    yield with_settings
    for one in started:
        if one.process.stdout and not one.process.stdout.closed:
            one.process.kill()
            one.process.communicate(timeout=10)


def _outgoing(event: ArticleDiscovered | ArticleClassified | PollCompleted) -> Outgoing:
    return Outgoing(event.id, event.type, event.ROUTING_KEY, event.encode())


async def _publish(url: str, *events: Outgoing) -> None:
    broker = make_broker(url)
    await broker.start()
    assert await publisher(broker)(events) == [None] * len(events)
    await broker.stop()


async def _count(url: str, table: sa.Table) -> int:
    engine = make_engine(url)
    async with transaction(engine) as connection:
        count = await connection.scalar(sa.select(sa.func.count()).select_from(table))
    await engine.dispose()
    return count or 0


async def test_the_classifier_works_after_being_killed_and_stops_when_told(
    start: Start, amqp_url: str, postgres_url: str
) -> None:
    engine = make_engine(postgres_url)
    for service in ("classifier", "notifier"):
        await upgrade(engine, service)
    await engine.dispose()
    await declare_topology(amqp_url)
    events = [
        discovered(article=discovered().data.article.model_copy(update={"pmid": 1000 + n}))
        for n in range(200)
    ]

    first = start("classifier", DATABASE_URL=postgres_url, AMQP_URL=amqp_url)
    await _publish(amqp_url, *map(_outgoing, events))
    await eventually(lambda: first.process.poll() is None and first.probe("/readyz") == 200, 30)
    first.process.kill()
    second = start("classifier", DATABASE_URL=postgres_url, AMQP_URL=amqp_url)
    start("notifier", DATABASE_URL=postgres_url, AMQP_URL=amqp_url)

    async def all_projected() -> bool:
        return await _count(postgres_url, notifier.articles) == 200

    await eventually(all_projected, within=60, pause=0.5)
    assert await _count(postgres_url, classifier.classifications) == 200
    assert await _count(postgres_url, classifier.inbox) == 200
    code, logs = second.stop()
    assert code == 0
    lines = [json.loads(line) for line in logs.splitlines()]
    assert {"service_started", "service_stopped"} <= {line["event"] for line in lines}
    assert {line["service"] for line in lines} == {"classifier"}


async def test_a_service_waits_for_an_absent_broker_alive_and_not_ready(
    start: Start, postgres_url: str
) -> None:
    service = start(
        "classifier", DATABASE_URL=postgres_url, AMQP_URL="amqp://guest:guest@127.0.0.1:1/"
    )

    await eventually(lambda: service.probe("/livez") == 200, within=30)
    assert service.probe("/readyz") == 503
    code, logs = service.stop()
    assert code == 0
    assert "engines_awaited" in logs


async def test_a_message_that_nobody_can_read_is_parked_and_the_service_goes_on(
    start: Start, amqp_url: str, postgres_url: str
) -> None:
    engine = make_engine(postgres_url)
    await upgrade(engine, "notifier")
    await engine.dispose()
    await declare_topology(amqp_url)
    start("notifier", DATABASE_URL=postgres_url, AMQP_URL=amqp_url)
    bad = [
        Outgoing("bad-1", "x", "article.classified", b"\xff"),
        Outgoing("bad-2", "x", "article.classified", b"{}"),
        Outgoing("bad-3", "x", "poll.completed", discovered().encode()),
    ]

    await _publish(amqp_url, *bad, _outgoing(classified()), _outgoing(poll_completed()))

    async def arrived() -> bool:
        return await _count(postgres_url, notifier.articles) == 1

    await eventually(arrived, within=30)
    await eventually(lambda: _parked_is(amqp_url, 3), within=20)


async def _parked_is(url: str, count: int) -> bool:
    broker = make_broker(url)
    connection = await broker.connect()
    channel = await connection.channel()
    queue = await channel.declare_queue("notifier.parked", passive=True)
    await broker.stop()
    return queue.declaration_result.message_count == count


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "CLASSIFIER_DATABASE_URL"),
        ({"DATABASE_URL": "mysql://x", "AMQP_URL": "amqp://x"}, "sqlite+aiosqlite"),
        ({"DATABASE_URL": "x", "AMQP_URL": "y", "PORT": "many"}, "CLASSIFIER_PORT"),
        ({"DATABASE_URL": "x", "AMQP_URL": "y", "TAXONOMY": "/nowhere.toml"}, "/nowhere.toml"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_clear_line(
    start: Start, settings: dict[str, str], says: str
) -> None:
    service = start("classifier", **settings)
    logs, _ = service.process.communicate(timeout=30)

    assert service.process.returncode == 78
    assert len(logs.strip().splitlines()) == 1
    assert says in logs
