"""Accounts with the least rights: as the wrong user all is refused, as the right one it works."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from uuid import uuid4

import aio_pika
import asyncpg
import httpx
import pytest
import sqlalchemy as sa
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import AMQPConnectionError
from aiormq.exceptions import ChannelAccessRefused

from services.classifier import tables as classifier
from services.console.accounts.account import SERVICES, accounts
from services.console.accounts.at_broker import grant_at_broker
from services.console.accounts.at_database import grant_in_database
from services.notifier import tables as notifier
from services.poller import tables as poller
from shared import topology
from shared.broker import declare_topology
from shared.database import make_engine, transaction
from shared.declared import Declared
from shared.errors import Away
from shared.migrate import upgrade
from shared.outbox import add
from tests.builders import discovered
from tests.eventually import eventually
from tests.integration.test_services import Running
from tests.parts import Postgres, Rabbit

pytestmark = [pytest.mark.connected, pytest.mark.timeout(180)]


@dataclass(frozen=True)
class Installation:
    """An installation whose services have accounts of their own."""

    amqp: dict[str, str]
    database: dict[str, str]
    administrator: tuple[str, str]
    folder: Path
    management: str


def _as_user(url: str, user: str, password: str) -> str:
    scheme, rest = url.split("://", 1)
    return f"{scheme}://{user}:{password}@{rest.split('@', 1)[1]}"


@pytest.fixture(scope="module")
def installation(
    tmp_path_factory: pytest.TempPathFactory, rabbit: Rabbit, postgres: Postgres
) -> Installation:
    mark, folder = uuid4().hex[:8], tmp_path_factory.mktemp("accounts")
    administrator = {"amqp": rabbit.new_vhost(mark), "database": postgres.new_database(f"t{mark}")}
    urls: dict[str, dict[str, str]] = {"amqp": {}, "database": {}}
    for kind, service in product(urls, SERVICES):
        own = _as_user(administrator[kind], f"{service}_{mark}", f"pw-{service}-{mark}")
        urls[kind][service] = own
        (folder / f"{service}_{kind}_url").write_text(own, encoding="utf-8")
    made = Installation(
        urls["amqp"],
        urls["database"],
        (administrator["amqp"], administrator["database"]),
        folder,
        rabbit.management,
    )
    asyncio.run(_set_up(made))
    return made


async def _set_up(made: Installation) -> None:
    amqp_url, postgres_url = made.administrator
    engine = make_engine(postgres_url)
    for service in SERVICES:
        await upgrade(engine, service)
    await engine.dispose()
    await declare_topology(amqp_url)
    for _ in range(2):  # as with every `up`
        await _granted(made)


async def _granted(made: Installation) -> None:
    """Make the accounts that the files name now."""
    amqp_url, postgres_url = made.administrator
    engine = make_engine(postgres_url)
    await grant_in_database(engine, accounts(made.folder, "database", postgres_url))
    await grant_at_broker(made.management, amqp_url, accounts(made.folder, "amqp", amqp_url))
    await engine.dispose()


@asynccontextmanager
async def _channel(url: str) -> AsyncIterator[AbstractChannel]:
    connection = await aio_pika.connect(url)
    async with connection:
        yield await connection.channel()


async def _unheard(_message: AbstractIncomingMessage) -> None:
    raise AssertionError("somebody else's message")


async def _sent(channel: AbstractChannel, exchange: str, key: str) -> None:
    if exchange:
        place = await channel.get_exchange(exchange, ensure=False)
    else:
        place = channel.default_exchange
    await place.publish(aio_pika.Message(b"{}"), key, mandatory=True)


@pytest.mark.parametrize(
    ("service", "queue"),
    [
        ("poller", "notifier"),
        ("poller", "classifier"),
        ("classifier", "notifier"),
        ("classifier", "notifier.parked"),
        ("notifier", "classifier"),
        ("notifier", "notifier.retry.1"),
        ("poller", topology.ARCHIVE),
    ],
)
async def test_nobody_reads_the_queue_of_another(
    installation: Installation, service: str, queue: str
) -> None:
    async with _channel(installation.amqp[service]) as channel:
        found = await channel.get_queue(queue, ensure=False)
        with pytest.raises(ChannelAccessRefused):
            await found.get(fail=False)
    async with _channel(installation.amqp[service]) as channel:
        found = await channel.get_queue(queue, ensure=False)
        await channel.set_qos(1)
        with pytest.raises(ChannelAccessRefused):
            await found.consume(_unheard)


@pytest.mark.parametrize(
    ("service", "exchange", "key"),
    [
        ("poller", "", "notifier"),
        ("poller", "classifier.own", "classifier.parked"),
        ("classifier", "", "notifier"),
        ("classifier", "", "classifier.retry.1"),
        ("classifier", "notifier.own", "notifier.parked"),
        ("notifier", "", "classifier"),
        ("notifier", "classifier.own", "classifier.suspects"),
        ("poller", topology.EXCHANGE, "article.classified"),
        ("poller", topology.ARCHIVE_EXCHANGE, "digest.delivered"),
        ("classifier", topology.EXCHANGE, "poll.completed"),
        ("classifier", topology.EXCHANGE, "replay.finished"),
        ("notifier", topology.EXCHANGE, "article.classified"),
        ("notifier", "classifier.dead", "classifier.parked"),
    ],
)
async def test_nobody_says_what_is_another_s_to_say(
    installation: Installation, service: str, exchange: str, key: str
) -> None:
    async with _channel(installation.amqp[service]) as channel:
        with pytest.raises(ChannelAccessRefused):
            await _sent(channel, exchange, key)


@pytest.mark.parametrize("queue", topology.CONSUMERS, ids=lambda queue: queue.name)
async def test_who_consumes_puts_copies_into_each_of_its_own_queues(
    installation: Installation, queue: topology.ConsumerQueue
) -> None:
    async with _channel(installation.administrator[0]) as watching:
        for name in queue.for_copies:
            async with _channel(installation.amqp[queue.name]) as channel:
                await _sent(channel, queue.own_exchange, name)
            found = await watching.get_queue(name, ensure=False)
            assert await found.purge() is not None


@pytest.mark.parametrize("service", SERVICES)
async def test_no_service_declares_removes_or_manages_anything(
    installation: Installation, service: str
) -> None:
    url = installation.amqp[service]
    async with _channel(url) as channel:
        with pytest.raises(ChannelAccessRefused):
            await channel.queue_delete("notifier")
    async with _channel(url) as channel:
        with pytest.raises(ChannelAccessRefused):
            await channel.declare_queue("another")
    async with _channel(url) as channel:
        with pytest.raises(ChannelAccessRefused):
            await channel.exchange_delete(topology.EXCHANGE)

    user, password = url.split("//")[1].split("@")[0].split(":")
    base = "http://" + installation.management.split("@")[1]
    async with httpx.AsyncClient(auth=(user, password), trust_env=False) as client:
        assert (await client.get(f"{base}/api/queues")).status_code == 401


@pytest.mark.parametrize(
    ("service", "statement"),
    [
        ("notifier", "SELECT count(*) FROM poller.articles"),
        ("notifier", "DELETE FROM poller.outbox"),
        ("poller", "SELECT count(*) FROM notifier.subscriptions"),
        ("classifier", "SELECT count(*) FROM notifier.subscriptions"),
        ("classifier", "INSERT INTO poller.outbox DEFAULT VALUES"),
        ("notifier", "CREATE TABLE notifier.mine (x int)"),
        ("notifier", "CREATE TABLE public.mine (x int)"),
        ("notifier", "CREATE SCHEMA mine"),
        ("notifier", "DROP TABLE notifier.subscriptions"),
        ("notifier", "UPDATE notifier.alembic_version SET version_num = '0000'"),
        ("notifier", "CREATE ROLE mine"),
        ("notifier", "SELECT rolpassword FROM pg_authid"),
        ("poller", "TRUNCATE poller.articles"),
    ],
)
async def test_nobody_touches_tables_of_another_or_the_shape_of_its_own(
    installation: Installation, service: str, statement: str
) -> None:
    connection = await asyncpg.connect(_plain(installation.database[service]))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_an_old_password_is_refused_once_another_is_set(installation: Installation) -> None:
    paths = [installation.folder / f"poller_{kind}_url" for kind in ("amqp", "database")]
    before = [path.read_text(encoding="utf-8") for path in paths]
    for path, url in zip(paths, before, strict=True):
        path.write_text(url.replace("pw-poller", "new-poller"), encoding="utf-8")
    try:
        await _granted(installation)

        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(_plain(installation.database["poller"]))
        with pytest.raises(AMQPConnectionError):
            await aio_pika.connect(installation.amqp["poller"])
        await (await asyncpg.connect(_plain(paths[1].read_text(encoding="utf-8")))).close()
    finally:
        for path, url in zip(paths, before, strict=True):
            path.write_text(url, encoding="utf-8")
        await _granted(installation)


async def test_a_service_that_may_not_declare_tells_what_is_not_there(
    installation: Installation,
) -> None:
    declared = Declared(installation.amqp["notifier"], topology.NOTIFIER)
    await declared()
    async with _channel(installation.administrator[0]) as channel:
        await channel.queue_delete(topology.NOTIFIER.retry(2))

    try:
        with pytest.raises(Away, match="run `carillon migrate`"):
            await declared()
    finally:
        await declare_topology(installation.administrator[0])


@pytest.fixture
def line(installation: Installation, tmp_path: Path) -> Iterator[list[Running]]:
    """Classifier and notifier as processes, and the poller where it has nothing to poll."""
    topics = tmp_path / "topics"
    topics.mkdir()
    of_its_own = {"poller": {"TOPICS_DIR": "topics", "EUTILS_URL": "http://127.0.0.1:9/"}}
    running = [
        Running(
            name,
            {
                "DATABASE_URL": installation.database[name],
                "AMQP_URL": installation.amqp[name],
                **of_its_own.get(name, {}),
            },
        )
        for name in SERVICES
    ]
    yield running
    for one in running:
        one.process.kill()
        one.process.communicate(timeout=10)


async def test_with_these_rights_the_line_carries_an_article_from_end_to_end(
    installation: Installation, line: list[Running]
) -> None:
    engine = make_engine(installation.administrator[1])
    event = discovered()
    await eventually(lambda: all(one.probe("/readyz") == 200 for one in line), within=60)

    async with transaction(engine) as connection:
        await add(connection, poller.outbox, event, event.time)

    async def told() -> bool:
        async with transaction(engine) as connection:
            for table in (classifier.classifications, notifier.articles):
                if not await connection.scalar(sa.select(sa.func.count()).select_from(table)):
                    return False
        return True

    await eventually(told, within=60, pause=0.5)
    for one in line:
        code, logs = one.stop()
        assert code == 0, logs
        assert "topology_is_declared_by_migrate" in logs
        assert "AccessRefused" not in logs
    await engine.dispose()


def _plain(url: str) -> str:
    return url.replace("postgresql+asyncpg://", "postgresql://")
