"""A standby that commits wait for is gone: seen with a service's own rights, as nothing moves."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from urllib.request import urlopen
from uuid import uuid4

import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier.wrong import look
from shared.broker import begin, consume, declare_topology, make_broker
from shared.clock import system_clock
from shared.database import make_engine, transaction
from shared.events import ArticleDiscovered, decode
from shared.migrate import upgrade
from shared.topology import CLASSIFIER
from shared.vitals import StandbyWatch
from tests.builders import discovered
from tests.chaos.soak_engines import Queues
from tests.eventually import eventually
from tests.integration.doctor.patient import as_user
from tests.integration.test_services import Running, _outgoing, _publish
from tests.parts import Postgres, start_postgres

pytestmark = [pytest.mark.connected, pytest.mark.timeout(240)]

FOLLOW = (
    "pg_receivewal -h /var/run/postgresql -U carillon -D /tmp --synchronous "
    "-d 'application_name=postgres-2'"
)
"""Follows as a standby does, and says as one what it has."""


@pytest.fixture
def server() -> Iterator[Postgres]:
    """One of its own: whom it waits for is a setting of the whole server."""
    with start_postgres() as started:
        yield started


def _at(server: Postgres, command: str) -> None:
    code, said = server.container.exec(["sh", "-c", command])
    assert code == 0, said


def _set(server: Postgres, *changes: str) -> None:
    """By a session that waits for nobody."""
    sql = " ".join(f'-c "ALTER SYSTEM {change}"' for change in changes)
    options = "PGOPTIONS='-c synchronous_commit=local'"
    _at(server, f'{options} psql -XAtqU carillon {sql} -c "SELECT pg_reload_conf()"')


def _told(service: Running) -> dict[str, float]:
    with urlopen(f"http://127.0.0.1:{service.port}/metrics", timeout=8) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    return {one.name: one.value for family in families for one in family.samples}


async def test_a_role_without_any_right_sees_who_is_waited_for_and_who_follows(
    server: Postgres,
) -> None:
    owner = server.new_database(f"t{uuid4().hex[:8]}")
    _at(server, "psql -XAtqU carillon -c \"CREATE ROLE poor LOGIN PASSWORD 'p'\"")
    engine, registry = make_engine(as_user(owner, "poor", "p")), CollectorRegistry()
    watch = StandbyWatch(engine, registry)

    async def seen() -> tuple[float | None, float | None]:
        await watch.look()
        names = ("carillon_standbys_wanted", "carillon_standbys_following")
        wanted, following = (registry.get_sample_value(name) for name in names)
        return wanted, following

    async def comes_to(wanted: float, following: float) -> None:
        async def so() -> bool:
            return await seen() == (wanted, following)

        await eventually(so, within=30, pause=0.2)

    try:
        await comes_to(0, 0)
        _set(server, "SET synchronous_standby_names = '\\\"postgres-2\\\"'")
        await comes_to(1, 0)
        _follow(server)
        await comes_to(1, 1)
        _at(server, "kill -TERM $(cat /tmp/follower)")
        await comes_to(1, 0)
    finally:
        await engine.dispose()


@pytest.fixture
async def waiting(server: Postgres) -> AsyncIterator[AsyncEngine]:
    """An engine whose statements have a second; its server waits for a standby that is away."""
    engine = make_engine(server.new_database(f"t{uuid4().hex[:8]}"), statement_seconds=1)
    async with transaction(engine) as connection:
        await connection.execute(sa.text("CREATE TABLE effects (id int PRIMARY KEY)"))
    _set(server, "SET synchronous_standby_names = '\\\"postgres-2\\\"'")
    await eventually(lambda: _waits_for(engine), within=30, pause=0.2)
    yield engine
    await engine.dispose()


async def _waits_for(engine: AsyncEngine) -> bool:
    async with transaction(engine) as connection:
        return bool(await connection.scalar(sa.text("SHOW synchronous_standby_names")))


async def _effect(engine: AsyncEngine, number: int) -> None:
    async with transaction(engine) as connection:
        once = sa.text("INSERT INTO effects VALUES (:id) ON CONFLICT DO NOTHING")
        await connection.execute(once, {"id": number})


async def _effects(engine: AsyncEngine) -> list[int]:
    async with transaction(engine) as connection:
        return list(await connection.scalars(sa.text("SELECT id FROM effects ORDER BY id")))


def _follow(server: Postgres) -> None:
    _at(server, f"{FOLLOW} >/tmp/said 2>&1 & echo $! >/tmp/follower")


def _cancelled_waits(server: Postgres) -> int:
    """Commits that the server has ended on its own disk alone, as its log tells."""
    return b"".join(server.container.get_logs()).count(b"canceling wait for synchronous")


async def test_a_commit_that_waits_for_a_standby_ends_when_it_is_back_and_not_before(
    waiting: AsyncEngine, server: Postgres
) -> None:
    effect = asyncio.create_task(_effect(waiting, 1))
    done, _ = await asyncio.wait({effect}, timeout=5)
    assert not done
    assert await _effects(waiting) == []
    _follow(server)
    await asyncio.wait_for(effect, 30)
    assert await _effects(waiting) == [1]
    assert _cancelled_waits(server) == 0


async def test_a_process_that_ends_while_its_commit_waits_leaves_it_waiting(
    waiting: AsyncEngine, server: Postgres
) -> None:
    effect = asyncio.create_task(_effect(waiting, 1))
    await asyncio.wait({effect}, timeout=2)
    effect.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(effect, 10)
    await asyncio.sleep(2)
    assert await _effects(waiting) == []
    assert _cancelled_waits(server) == 0
    _follow(server)

    async def is_there() -> bool:
        return await _effects(waiting) == [1]

    await eventually(is_there, within=30, pause=0.2)


async def test_a_message_whose_commit_waits_is_not_held_until_the_broker_takes_it_back(
    waiting: AsyncEngine, server: Postgres, amqp_url: str
) -> None:
    numbers, tries = [1001, 1002, 1003], list[int]()

    async def handle(body: bytes) -> None:
        event = decode(body)
        assert isinstance(event, ArticleDiscovered)
        tries.append(event.data.article.pmid)
        await _effect(waiting, tries[-1])

    await declare_topology(amqp_url)
    article, queues = discovered().data.article, Queues(amqp_url)
    names = (CLASSIFIER.name, *CLASSIFIER.for_copies)
    events = [discovered(article=article.model_copy(update={"pmid": one})) for one in numbers]
    async with AsyncExitStack() as stack:
        stack.push_async_callback(queues.close)
        consuming, publishing = make_broker(amqp_url), make_broker(amqp_url)
        consume(consuming, CLASSIFIER, handle, system_clock, publishing, longest=2)
        for broker in (publishing, consuming):
            stack.push_async_callback(broker.stop)
            await begin(broker)
        await _publish(amqp_url, *map(_outgoing, events))
        await eventually(lambda: len(tries) >= 2 * len(numbers), within=60)
        assert await _effects(waiting) == []
        _follow(server)

        async def is_done() -> bool:
            left = await queues.ready(names)
            return await _effects(waiting) == numbers and not any(left.values())

        await eventually(is_done, within=90, pause=1)
    assert _cancelled_waits(server) == 0


async def test_status_says_that_there_is_one_disk_where_the_url_names_two_servers(
    postgres_url: str,
) -> None:
    own = make_url(postgres_url)
    here = f"{own.host}:{own.port}"
    both = own.set(host=None, port=None).update_query_dict({"host": [here, here]})
    found: list[list[str]] = []
    for url in (own, both):
        engine = make_engine(url.render_as_string(hide_password=False))
        await upgrade(engine, "notifier")
        async with transaction(engine) as connection:
            wrong, _ = await look(connection, [], system_clock())
        await engine.dispose()
        found.append([one.what for one in wrong if "one disk" in one.what])
    assert [len(said) for said in found] == [0, 1]


async def test_while_nothing_is_committed_a_busy_service_and_status_say_why(
    server: Postgres, amqp_url: str
) -> None:
    url = server.new_database(f"t{uuid4().hex[:8]}")
    engine = make_engine(url)
    for service in ("classifier", "notifier"):
        await upgrade(engine, service)
    await declare_topology(amqp_url)
    running = Running("classifier", {"DATABASE_URL": url, "AMQP_URL": amqp_url})
    try:
        await eventually(lambda: running.probe("/readyz") == 200, within=60, pause=0.5)
        assert _told(running)["carillon_standbys_wanted"] == 0

        _set(server, "SET synchronous_standby_names = '\\\"postgres-2\\\"'")
        articles = [
            discovered(article=discovered().data.article.model_copy(update={"pmid": 1000 + n}))
            for n in range(200)
        ]
        await _publish(amqp_url, *map(_outgoing, articles))

        def says() -> bool:
            told = _told(running)
            return told["carillon_standbys_wanted"] > told["carillon_standbys_following"]

        await eventually(says, within=120, pause=1)
        async with transaction(engine) as connection:
            found, _ = await look(connection, [], system_clock())
        assert [one.what for one in found if "standby" in one.what]
    finally:
        running.process.kill()
        await asyncio.to_thread(running.process.communicate)
        await engine.dispose()
