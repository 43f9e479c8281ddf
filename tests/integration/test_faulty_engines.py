"""A broker that blocks, refuses or forgets, and engines that swallow everything."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from urllib.parse import urlsplit

import aio_pika
import pytest
import sqlalchemy as sa
from aio_pika.exceptions import PublishError
from faststream.rabbit import RabbitBroker
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import topology
from shared.broker import begin, blocked, consume, declare_topology, make_broker, publisher
from shared.database import make_engine, transaction
from shared.errors import Away, Permanent, Retryable
from shared.outbox import Outgoing, add, outbox_table, relay
from shared.topology import CLASSIFIER
from tests.builders import NOON, discovered
from tests.chaos.proxy import Proxy, Route
from tests.eventually import eventually
from tests.fakes import FakeClock
from tests.parts import Rabbit

pytestmark = [pytest.mark.connected, pytest.mark.timeout(180)]

Pair = tuple[RabbitBroker, RabbitBroker]


@pytest.fixture
async def brokers() -> AsyncIterator[Callable[[str], RabbitBroker]]:
    made: list[RabbitBroker] = []

    def make(url: str) -> RabbitBroker:
        made.append(make_broker(url))
        return made[-1]

    yield make
    for one in made:
        await one.stop()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as running:
        yield running


def _through(proxy: Proxy, url: str) -> tuple[Route, str]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    route = proxy.route(parts.scheme, parts.hostname, parts.port)
    return route, url.replace(f"{parts.hostname}:{parts.port}", f"127.0.0.1:{route.port}")


def _events(*names: str) -> list[Outgoing]:
    return [Outgoing(name, "x", "article.discovered", name.encode()) for name in names]


async def test_a_blocked_broker_is_waited_for_and_consumers_go_on(
    amqp_url: str, rabbit: Rabbit, brokers: Callable[[str], RabbitBroker]
) -> None:
    got: list[bytes] = []

    async def handle(body: bytes) -> None:
        got.append(body)

    await declare_topology(amqp_url)
    consuming, publishing = brokers(amqp_url), brokers(amqp_url)
    consume(consuming, CLASSIFIER, handle, FakeClock(NOON), publishing)
    await begin(publishing)
    publish = publisher(publishing)
    assert await publish(_events(*(f"a{n}" for n in range(50)))) == [None] * 50
    tasks = len(asyncio.all_tasks())
    rabbit.alarm()
    try:
        for _ in range(3):
            with pytest.raises(Away, match="blocked"):
                await asyncio.wait_for(publish(_events("b")), 20)
        assert await blocked(publishing)
        assert len(asyncio.all_tasks()) <= tasks
        await begin(consuming)
        await eventually(lambda: len(set(got)) == 50, within=30)
    finally:
        rabbit.calm()

    async def published() -> bool:
        try:
            return await publish(_events("b")) == [None]
        except Away:
            return False

    await eventually(published, within=60, pause=0.5)
    await eventually(lambda: b"b" in got, within=20)


async def test_a_binding_that_is_gone_is_an_error_and_is_healed(
    amqp_url: str, brokers: Callable[[str], RabbitBroker]
) -> None:
    await declare_topology(amqp_url)
    publishing = brokers(amqp_url)
    await begin(publishing)
    await _by_hand(amqp_url, unbind=True)

    (fault,) = await publisher(publishing)(_events("a"))
    await declare_topology(amqp_url)
    (none,) = await publisher(publishing)(_events("a"))

    assert isinstance(fault, PublishError)
    assert none is None


@pytest.mark.parametrize("exchange", [topology.EXCHANGE, topology.ARCHIVE_EXCHANGE])
async def test_an_exchange_that_was_deleted_is_published_to_again_once_it_is_declared(
    amqp_url: str, brokers: Callable[[str], RabbitBroker], exchange: str
) -> None:
    """The broker closes the channel for it; the next publish must find an open one."""
    await declare_topology(amqp_url)
    publishing = brokers(amqp_url)
    await begin(publishing)
    publish = publisher(publishing)
    assert await publish(_events("a")) == [None]
    connection = await aio_pika.connect(amqp_url)
    async with connection:
        await (await connection.channel()).exchange_delete(exchange)
    with pytest.raises(Away):
        await publish(_events("b"))
    await asyncio.sleep(0.5)
    with pytest.raises(Away):
        await publish(_events("b"))

    await declare_topology(amqp_url)

    async def published() -> bool:
        try:
            return await publish(_events("b")) == [None]
        except Away:
            return False

    await eventually(published, within=15, pause=0.5)


async def _by_hand(url: str, *, unbind: bool) -> None:
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(CLASSIFIER.name, passive=True)
        if unbind:
            await queue.unbind(topology.EXCHANGE, "article.discovered")
        else:
            await queue.delete(if_unused=False, if_empty=False)


async def test_a_queue_that_was_deleted_is_consumed_again_once_it_is_declared(
    amqp_url: str, brokers: Callable[[str], RabbitBroker]
) -> None:
    got: list[bytes] = []

    async def handle(body: bytes) -> None:
        got.append(body)

    await declare_topology(amqp_url)
    consuming, publishing = brokers(amqp_url), brokers(amqp_url)
    consume(consuming, CLASSIFIER, handle, FakeClock(NOON), publishing)
    await begin(publishing)
    await begin(consuming)
    await _by_hand(amqp_url, unbind=False)
    (fault,) = await publisher(publishing)(_events("a"))
    assert isinstance(fault, PublishError)

    await declare_topology(amqp_url)
    assert await publisher(publishing)(_events("b")) == [None]

    await eventually(lambda: got == [b"b"], within=60)


@pytest.mark.parametrize("error", [Retryable("later"), Permanent("never")])
async def test_a_copy_that_the_broker_refuses_leaves_the_original_in_hand(
    amqp_url: str, brokers: Callable[[str], RabbitBroker], error: Exception
) -> None:
    tries: list[bytes] = []

    async def handle(body: bytes) -> None:
        tries.append(body)
        raise error

    await declare_topology(amqp_url)
    consuming, publishing = brokers(amqp_url), brokers(amqp_url)
    consume(consuming, CLASSIFIER, handle, FakeClock(NOON), publishing)
    await begin(publishing)
    await begin(consuming)
    for name in (CLASSIFIER.parked, CLASSIFIER.retry(1)):
        await _deleted(amqp_url, name)
    await publisher(publishing)(_events("a"))
    await eventually(lambda: len(tries) == 1, within=20)
    await asyncio.sleep(2)
    assert len(tries) == 1

    await declare_topology(amqp_url)

    if isinstance(error, Permanent):
        headers = await _headers(amqp_url, CLASSIFIER.parked)
        assert headers["carillon-reason"] == "permanent"
    else:
        await eventually(lambda: len(tries) >= 2, within=30)


async def _deleted(url: str, name: str) -> None:
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        await channel.queue_delete(name)


async def _headers(url: str, name: str) -> dict[str, object]:
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(name, passive=True)
        found: list[aio_pika.abc.AbstractIncomingMessage] = []

        async def look() -> bool:
            message = await queue.get(fail=False)
            found.extend([message] if message else [])
            return bool(found)

        await eventually(look, within=30, pause=0.3)
        await found[0].ack()
        return dict(found[0].headers)


async def test_a_broker_that_swallows_everything_is_given_up_and_found_again(
    amqp_url: str, proxy: Proxy, brokers: Callable[[str], RabbitBroker]
) -> None:
    got: list[bytes] = []

    async def handle(body: bytes) -> None:
        got.append(body)

    await declare_topology(amqp_url)
    route, url = _through(proxy, f"{amqp_url}?heartbeat=1")
    consuming, publishing = brokers(url), brokers(url)
    consume(consuming, CLASSIFIER, handle, FakeClock(NOON), publishing)
    await begin(publishing)
    await begin(consuming)
    publish = publisher(publishing)
    assert await publish(_events("a")) == [None]
    route.black_hole()
    with pytest.raises(Away):
        await asyncio.wait_for(publish(_events("b")), 25)
    route.heal()

    async def published() -> bool:
        try:
            return await publish(_events("b")) == [None]
        except Away:
            return False

    await eventually(published, within=60, pause=0.5)
    await eventually(lambda: {b"a", b"b"} <= set(got), within=60)


async def test_a_database_that_swallows_everything_is_given_up_and_found_again(
    postgres_url: str, proxy: Proxy
) -> None:
    route, url = _through(proxy, postgres_url)
    engine = make_engine(url, statement_seconds=2)
    with pytest.raises(Away):
        async with asyncio.timeout(30), transaction(engine) as connection:
            await connection.execute(sa.select(1))
            route.black_hole()
            await connection.execute(sa.select(1))
    with pytest.raises(Away):  # nor does a new connection hang
        async with asyncio.timeout(30):
            await _asked(engine)
    route.heal()
    await _asked(engine)
    await engine.dispose()


async def test_a_commit_that_nobody_answers_is_given_up(postgres_url: str, proxy: Proxy) -> None:
    route, url = _through(proxy, postgres_url)
    engine = make_engine(url, statement_seconds=2)
    with pytest.raises(Away):
        async with asyncio.timeout(30), transaction(engine) as connection:
            await connection.execute(sa.text("CREATE TABLE half (id int)"))
            route.black_hole()
    route.heal()
    await _asked(engine)
    await engine.dispose()


async def _asked(engine: AsyncEngine) -> None:
    async with transaction(engine) as connection:
        await connection.execute(sa.select(1))


async def test_what_a_relay_has_locked_that_the_network_lost_is_free_again(
    postgres_url: str, proxy: Proxy
) -> None:
    """The server hears nothing of its end, and its session would keep the rows for hours."""
    route, url = _through(proxy, postgres_url)
    lost, other = make_engine(url, 1, idle_seconds=2), make_engine(postgres_url)
    outbox = outbox_table(sa.MetaData())
    async with transaction(other) as connection:
        await connection.run_sync(outbox.metadata.create_all)
        await add(connection, outbox, discovered(), NOON)

    async def cut_off(batch: Sequence[Outgoing]) -> list[Exception | None]:
        route.black_hole()
        return [None] * len(batch)

    async def taken(batch: Sequence[Outgoing]) -> list[Exception | None]:
        return [None] * len(batch)

    async def relayed() -> bool:
        return await relay(other, outbox, taken) == 1

    with pytest.raises(Away):
        await relay(lost, outbox, cut_off)
    await eventually(relayed, within=20, pause=0.3)
    await other.dispose()
    route.heal()
    await lost.dispose()


async def test_a_database_that_lets_nobody_in_is_away_and_says_so(postgres_url: str) -> None:
    engine = make_engine(postgres_url.replace(":carillon@", ":changed@"))
    with pytest.raises(Away, match="InvalidPassword"):
        await _asked(engine)
    await engine.dispose()


async def test_of_two_databases_the_one_that_takes_writes_is_found_and_none_is_waited_for(
    postgres_url: str,
) -> None:
    user, rest = postgres_url.split("@")
    server, name = rest.split("/")
    nowhere = "127.0.0.1:9"  # as the one of the two that is dead
    of_both = f"{user}@/{name}?host={nowhere}&host={server}&target_session_attrs=read-write"
    engine, alone = make_engine(of_both), make_engine(postgres_url)
    await _asked(engine)

    await _read_only(alone, name, "on")  # so shows itself a server that follows another, too
    await engine.dispose()
    with pytest.raises(Away):
        await _asked(engine)
    await _read_only(alone, name, "off")
    await _asked(engine)
    await engine.dispose()
    await alone.dispose()


async def _read_only(engine: AsyncEngine, name: str, value: str) -> None:
    statement = f"ALTER DATABASE {name} SET default_transaction_read_only = {value}"
    async with transaction(engine) as connection:
        await connection.exec_driver_sql("SET TRANSACTION READ WRITE")
        await connection.exec_driver_sql(statement)
