"""Planted in PostgreSQL and RabbitMQ."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import aio_pika
import httpx
import sqlalchemy as sa
from aio_pika.abc import AbstractChannel
from pydantic import SecretStr

from services.console.doctor.codes import Code
from services.notifier import hold
from services.notifier import tables as notifier
from services.notifier.run import sync
from services.notifier.store import keep_poll
from services.notifier.vault import Vault
from services.poller import tables as poller
from shared import topology
from shared.broker import declare_topology
from shared.clock import system_clock
from shared.database import make_engine, transaction
from shared.migrate import revisions
from shared.outbox import add
from tests.builders import discovered, poll_completed
from tests.integration.doctor.patient import Patient, as_user, unheard
from tests.integration.doctor.plants import Planted, planted, set_to
from tests.unit.notifier.kit import a_subscription

NOWHERE = "127.0.0.1:1"
LONG_AGO = datetime.now(UTC) - timedelta(hours=5)


def _changed(patient: Patient, engine: str, service: str, **parts: str) -> dict[str, str]:
    """The service's own URL with another part: its place, password, path or scheme."""
    url = urlsplit(patient.of_service(engine, service))
    place = parts.get("place", f"{url.hostname}:{url.port}")
    login = f"{url.username}:{parts.get('password', url.password)}"
    scheme, path = parts.get("scheme", url.scheme), parts.get("path", url.path)
    changed = f"{scheme}://{login}@{place}{path}{parts.get('query', '')}"
    return patient.secret(f"{service.upper()}_{engine.upper()}_URL", changed)


Parts = dict[str, str]


def _url(engine: str, code: Code, what: str, parts: Parts) -> None:
    def make(patient: Patient) -> dict[str, str]:
        return _changed(patient, engine, "classifier", **parts)

    set_to(code, f"{engine}, {what}", make)


_url("database", Code.DATABASE_URL, "the URL of another program", {"scheme": "postgres"})
_url("database", Code.DATABASE_URL, "an option that there is not", {"query": "?sslmoder=require"})
_url("database", Code.DATABASE_UNREACHABLE, "another port", {"place": NOWHERE})
_url("database", Code.DATABASE_UNREACHABLE, "no such host", {"place": "postgres.invalid:5432"})
_url("database", Code.DATABASE_LOGIN, "an old password", {"password": "old"})
_url("database", Code.DATABASE_NAME, "another name", {"path": "/carilon"})
_url("database", Code.DATABASE_TLS, "TLS wanted", {"query": "?ssl=require"})
_url("amqp", Code.BROKER_URL, "the URL of its page", {"scheme": "http"})
_url("amqp", Code.BROKER_UNREACHABLE, "another port", {"place": NOWHERE})
_url("amqp", Code.BROKER_UNREACHABLE, "no such host", {"place": "broker.invalid:5672"})
_url("amqp", Code.BROKER_LOGIN, "an old password", {"password": "old"})
_url("amqp", Code.BROKER_VHOST, "another virtual host", {"path": "/carilon"})
_url("amqp", Code.BROKER_TLS, "TLS at the plain port", {"scheme": "amqps"})


def _two_hosts(patient: Patient) -> dict[str, str]:
    """The same server twice: it waits for nobody."""
    here = urlsplit(patient.of_service("database", "classifier")).netloc.rpartition("@")[2]
    both = f"?host={here}&host={here}"
    return _changed(patient, "database", "classifier", place="", query=both)


set_to(Code.DATABASE_ONE_DISK, "a second server, and nobody waits for it", _two_hosts)


@asynccontextmanager
async def _sql(patient: Patient, does: str, undoes: str) -> AsyncIterator[Planted]:
    engine = make_engine(patient.database_url)
    try:
        async with engine.begin() as connection:
            await connection.exec_driver_sql(does)
        yield Planted()
        async with engine.begin() as connection:
            await connection.exec_driver_sql("SET default_transaction_read_only = off")
            await connection.exec_driver_sql("SET TRANSACTION READ WRITE")
            await connection.exec_driver_sql(undoes)
    finally:
        await engine.dispose()


@planted(Code.DATABASE_READ_ONLY)
async def _a_standby(patient: Patient) -> AsyncIterator[Planted]:
    name = urlsplit(patient.database_url).path[1:]
    does = f"ALTER DATABASE {name} SET default_transaction_read_only"
    async with _sql(patient, f"{does} = on", f"{does} = off") as plant:
        yield plant


@planted(Code.DATABASE_STANDBY_AWAY)
async def _nobody_follows(patient: Patient) -> AsyncIterator[Planted]:
    """Nobody waits for it here: what is planted later has to be committed."""
    engine = make_engine(patient.database_url).execution_options(isolation_level="AUTOCOMMIT")

    async def change(*settings: str) -> None:
        async with engine.connect() as connection:
            for setting in settings:
                await connection.exec_driver_sql(f"ALTER SYSTEM {setting}")
            await connection.exec_driver_sql("SELECT pg_reload_conf()")

    await change("SET synchronous_commit = local")
    await change("SET synchronous_standby_names = 'postgres_2'")
    try:
        yield Planted()
    finally:
        await change("RESET synchronous_standby_names")
        await change("RESET synchronous_commit")
        await engine.dispose()


@planted(Code.DATABASE_RIGHTS)
async def _a_table_revoked(patient: Patient) -> AsyncIterator[Planted]:
    user = urlsplit(patient.of_service("database", "classifier")).username
    rest = f'INSERT ON classifier.outbox {{}} "{user}"'
    does, undoes = "REVOKE " + rest.format("FROM"), "GRANT " + rest.format("TO")
    async with _sql(patient, does, undoes) as plant:
        yield plant


@planted(Code.DATABASE_RIGHTS)
async def _the_schema_revoked(patient: Patient) -> AsyncIterator[Planted]:
    user = urlsplit(patient.of_service("database", "poller")).username
    rest = f'USAGE ON SCHEMA poller {{}} "{user}"'
    does, undoes = "REVOKE " + rest.format("FROM"), "GRANT " + rest.format("TO")
    async with _sql(patient, does, undoes) as plant:
        yield plant


async def _at_version(patient: Patient, schema: str, version: str) -> AsyncIterator[Planted]:
    now = revisions(schema)[0]
    does = f"UPDATE {schema}.alembic_version SET version_num = "  # noqa: S608  ours
    async with _sql(patient, f"{does}'{version}'", f"{does}'{now}'") as plant:
        yield plant


@planted(Code.MIGRATION_BEHIND)
async def _migrated_long_ago(patient: Patient) -> AsyncIterator[Planted]:
    async for plant in _at_version(patient, "notifier", "0001"):
        yield plant


@planted(Code.MIGRATION_BEHIND)
async def _never_migrated(patient: Patient) -> AsyncIterator[Planted]:
    does = "ALTER TABLE poller.{} RENAME TO {}"
    there, gone = "alembic_version", "alembic_gone"
    async with _sql(patient, does.format(there, gone), does.format(gone, there)) as plant:
        yield plant


@planted(Code.MIGRATION_AHEAD)
async def _gone_back(patient: Patient) -> AsyncIterator[Planted]:
    async for plant in _at_version(patient, "classifier", "9999"):
        yield plant


@planted(Code.OUTBOX_STUCK)
async def _unpublished(patient: Patient) -> AsyncIterator[Planted]:
    async with _sql(patient, "SELECT 1", "DELETE FROM poller.outbox") as plant:
        engine = make_engine(patient.database_url)
        async with transaction(engine) as connection:
            await add(connection, poller.outbox, discovered(), LONG_AGO)
        await engine.dispose()
        yield plant


@planted(Code.SENDING_HELD)
async def _restored(patient: Patient) -> AsyncIterator[Planted]:
    async with _sql(patient, "SELECT 1", "DELETE FROM notifier.holds") as plant:
        engine = make_engine(patient.database_url)
        async with transaction(engine) as connection:
            await hold.put(connection, hold.Hold("h1", "restored", LONG_AGO, LONG_AGO))
        await engine.dispose()
        yield plant


@planted(Code.POLL_OVERDUE)
async def _not_polled(patient: Patient) -> AsyncIterator[Planted]:
    async with _sql(patient, "SELECT 1", "DELETE FROM notifier.polls") as plant:
        engine = make_engine(patient.database_url)
        due = LONG_AGO + timedelta(hours=1)
        poll = poll_completed(started_at=LONG_AGO, finished_at=LONG_AGO, next_at=due).data
        async with transaction(engine) as connection:
            await keep_poll(connection, poll)
        await engine.dispose()
        yield plant


@planted(Code.KEY_OTHER)
async def _sealed_by_another(patient: Patient) -> AsyncIterator[Planted]:
    async with _sql(patient, "SELECT 1", "DELETE FROM notifier.subscriptions") as plant:
        engine = make_engine(patient.database_url)
        target = SecretStr("https://hooks.slack.com/services/T0/B0/x")
        reader = a_subscription(channel="slack", address=target)
        await sync(engine, [reader], system_clock, Vault([SecretStr("an earlier key of ours")]))
        async with engine.connect() as connection:
            assert await connection.scalar(sa.select(notifier.subscriptions.c.id))
        await engine.dispose()
        yield plant


@asynccontextmanager
async def _channel(patient: Patient) -> AsyncIterator[AbstractChannel]:
    """Whatever is done there is undone by declaring all anew."""
    async with await aio_pika.connect(patient.amqp_url) as connection:
        yield await connection.channel()
    await declare_topology(patient.amqp_url)


@planted(Code.QUEUE_MISSING)
async def _no_retry_queue(patient: Patient) -> AsyncIterator[Planted]:
    async with _channel(patient) as channel:
        await channel.queue_delete(topology.CLASSIFIER.retry(3))
        yield Planted()


@planted(Code.ARCHIVE_MISSING)
async def _no_archive(patient: Patient) -> AsyncIterator[Planted]:
    async with _channel(patient) as channel:
        await channel.queue_delete(topology.ARCHIVE)
        yield Planted()


@planted(Code.EXCHANGE_MISSING)
async def _no_exchange(patient: Patient) -> AsyncIterator[Planted]:
    async with _channel(patient) as channel:
        await channel.exchange_delete(topology.NOTIFIER.dead_exchange)
        yield Planted()


async def _declared(patient: Patient, arguments: Mapping[str, Any]) -> AsyncIterator[Planted]:
    async with _channel(patient) as channel:
        name = topology.NOTIFIER.retry(2)
        await channel.queue_delete(name)
        await channel.declare_queue(name, durable=True, arguments=dict(arguments))
        yield Planted()
        await channel.queue_delete(name)


@planted(Code.QUEUE_WRONG)
async def _a_classic_queue(patient: Patient) -> AsyncIterator[Planted]:
    async for plant in _declared(patient, {"x-queue-type": "classic"}):
        yield plant


@planted(Code.QUEUE_WRONG)
async def _another_wait(patient: Patient) -> AsyncIterator[Planted]:
    wait = topology.RETRY_DELAYS[1] * 2
    async for plant in _declared(patient, topology.retry_arguments(topology.NOTIFIER, wait)):
        yield plant


@planted(Code.BINDING_MISSING)
async def _unbound(patient: Patient) -> AsyncIterator[Planted]:
    async with _channel(patient) as channel:
        queue = await channel.get_queue(topology.NOTIFIER.name, ensure=False)
        await queue.unbind(topology.EXCHANGE, "poll.completed")
        yield Planted()


@planted(Code.MESSAGES_PARKED)
async def _parked(patient: Patient) -> AsyncIterator[Planted]:
    async with _channel(patient) as channel:
        message = aio_pika.Message(b"{}", message_id="m1")
        await channel.default_exchange.publish(message, topology.CLASSIFIER.parked)
        yield Planted()
        await (await channel.get_queue(topology.CLASSIFIER.parked)).purge()


async def _put(patient: Patient, path: str, body: dict[str, Any]) -> None:
    auth = ("guest", "guest")
    async with httpx.AsyncClient(auth=auth, base_url=f"{patient.management}api/") as api:
        method = "PUT" if body else "DELETE"
        (await api.request(method, path, json=body or None)).raise_for_status()


def _vhost(patient: Patient) -> str:
    return urlsplit(patient.amqp_url).path[1:]


async def _with(patient: Patient, path: str, body: dict[str, Any]) -> AsyncIterator[Planted]:
    await _put(patient, path, body)
    yield Planted()
    await _put(patient, path, {})


@planted(Code.POLICY_IN_WAY)
async def _a_policy(patient: Patient) -> AsyncIterator[Planted]:
    body = {"pattern": "^notifier", "definition": {"max-length": 5}, "apply-to": "all"}
    async for plant in _with(patient, f"policies/{_vhost(patient)}/short", body):
        yield plant


@planted(Code.POLICY_IN_WAY)
async def _an_operators_policy(patient: Patient) -> AsyncIterator[Planted]:
    body = {"pattern": ".*", "definition": {"message-ttl": 60_000}, "apply-to": "queues"}
    async for plant in _with(patient, f"operator-policies/{_vhost(patient)}/fresh", body):
        yield plant


@planted(Code.BROKER_LIMIT)
async def _few_connections(patient: Patient) -> AsyncIterator[Planted]:
    path = f"vhost-limits/{_vhost(patient)}/max-connections"
    async for plant in _with(patient, path, {"value": 10}):
        yield plant


@planted(Code.BROKER_RIGHTS)
async def _may_not_read(patient: Patient) -> AsyncIterator[Planted]:
    user = urlsplit(patient.of_service("amqp", "classifier")).username
    path = f"permissions/{_vhost(patient)}/{user}"
    auth = ("guest", "guest")
    async with httpx.AsyncClient(auth=auth, base_url=f"{patient.management}api/") as api:
        granted = (await api.get(path)).json()
    await _put(patient, path, {**granted, "read": "^classifier$"})
    yield Planted()
    await _put(patient, path, granted)


@planted(Code.BROKER_RIGHTS)
async def _may_not_write_its_events(patient: Patient) -> AsyncIterator[Planted]:
    user = urlsplit(patient.of_service("amqp", "poller")).username
    path = f"topic-permissions/{_vhost(patient)}/{user}"
    auth = ("guest", "guest")
    async with httpx.AsyncClient(auth=auth, base_url=f"{patient.management}api/") as api:
        granted = (await api.get(path)).json()
    await _put(patient, path, {"exchange": topology.EXCHANGE, "write": "^$", "read": "^$"})
    yield Planted()
    for one in granted:
        await _put(patient, path, one)


@planted(Code.BROKER_API)
async def _no_administrator(patient: Patient) -> AsyncIterator[Planted]:
    await _put(patient, "users/plain", {"password": "plain", "tags": ""})
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    await _put(patient, f"permissions/{_vhost(patient)}/plain", everything)
    yield Planted(patient.secret("CARILLON_AMQP_URL", as_user(patient.amqp_url, "plain", "plain")))
    await _put(patient, "users/plain", {})


set_to(Code.BROKER_API, "another port", lambda _: {"CARILLON_MANAGEMENT_URL": f"http://{NOWHERE}/"})


@planted(Code.BROKER_ALARM)
async def _no_memory(patient: Patient) -> AsyncIterator[Planted]:
    await asyncio.to_thread(patient.rabbit.alarm)
    yield Planted()
    await asyncio.to_thread(patient.rabbit.calm)


@planted(Code.QUEUE_UNREAD)
async def _a_lost_consumer(patient: Patient) -> AsyncIterator[Planted]:
    queue, tag = patient.readers["classifier"]
    await queue.cancel(tag)
    yield Planted()
    patient.readers["classifier"] = queue, await queue.consume(unheard)
