"""What outlives a killed process: broker, database, mail server, PubMed; all real, as they were.

Each try begins from the same state: a copy of a template database, and empty queues.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aio_pika
import asyncpg
import sqlalchemy as sa
from aio_pika.abc import AbstractChannel
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import topology
from shared.broker import declare_topology, make_broker, publisher
from shared.database import make_engine, transaction
from shared.migrate import upgrade
from shared.outbox import Outgoing
from tests.builders import NOON
from tests.chaos.crash.zygote import Zygote
from tests.eventually import eventually
from tests.fakes import FakeClock
from tests.parts import Postgres, Rabbit
from tests.unit.notifier.faultymail import FaultyServer

Rows = Sequence[sa.Row[Any]]


@dataclass
class World:
    """The engines, and the one database of the present try."""

    zygote: Zygote
    amqp: str
    mail: FaultyServer
    clock: FakeClock
    stack: AsyncExitStack
    _channel: AbstractChannel
    _admin: "asyncpg.Connection[Any]"
    _server: str
    _base: str
    eutils: str = ""
    _template: str = ""
    _name: str = ""
    _engine: AsyncEngine | None = field(default=None, repr=False)

    @property
    def database(self) -> str:
        """The URL of the present database."""
        return f"{self._server}/{self._name or self._template}"

    @property
    def engine(self) -> AsyncEngine:
        """An engine on the present database, for looking."""
        self._engine = self._engine or make_engine(self.database)
        return self._engine

    async def begin_boundary(self) -> None:
        """A template of its own to fill: all tables, and nothing in them."""
        await self._forget()
        self._template = f"{self._base}t{uuid4().hex[:6]}"
        await self._copy(self._base, self._template)

    async def _copy(self, source: str, target: str) -> None:
        await self._admin.execute(f'CREATE DATABASE "{target}" TEMPLATE "{source}"')

    async def begin_again(self) -> None:
        """A new copy of the template, and nothing in any queue."""
        await self._forget()
        self._name = f"crash{uuid4().hex[:12]}"
        await self._copy(self._template, self._name)
        self.mail.taken.clear()
        for queue in topology.CONSUMERS:
            for name in (queue.name, queue.parked, queue.retry(1), queue.retry(2)):
                if await self.waits(name):
                    await (await self._channel.declare_queue(name, passive=True)).purge()

    async def new_archive(self) -> None:
        """An archive with nothing in it: a stream cannot be purged."""
        await self._channel.queue_delete(topology.ARCHIVE)
        archive = await self._channel.declare_queue(
            topology.ARCHIVE, durable=True, arguments=dict(topology.ARCHIVE_ARGUMENTS)
        )
        for key in topology.ARCHIVE_BINDINGS:
            await archive.bind(topology.ARCHIVE_EXCHANGE, key)

    async def seal(self) -> None:
        """Let go of the template, so that it can be copied."""
        if self._engine:
            await self._engine.dispose()
        self._engine = None

    async def _forget(self) -> None:
        await self.seal()
        if self._name:
            await self._admin.execute(f'DROP DATABASE "{self._name}" WITH (FORCE)')
        self._name = ""

    async def calm(self) -> None:
        """Wait until the engines have noticed that the process is gone."""
        await self.seal()
        ask = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1"

        async def is_calm() -> bool:
            others = await self._admin.fetchval(ask, self._name)
            return not others and self.mail.is_idle and not await self._consumers()

        await eventually(is_calm, within=20, pause=0.005)

    async def _consumers(self) -> int:
        found = [
            await self._channel.declare_queue(queue.name, passive=True)
            for queue in topology.CONSUMERS
        ]
        return sum(queue.declaration_result.consumer_count or 0 for queue in found)

    async def rows(self, statement: sa.Select[Any]) -> Rows:
        """What the present database says."""
        async with transaction(self.engine) as connection:
            found: Rows = (await connection.execute(statement)).all()
        return found

    async def publish(self, *events: Outgoing) -> None:
        """Put events on the exchange, in this order."""
        broker = make_broker(self.amqp)
        await broker.start()
        for event in events:
            if await publisher(broker)([event]) != [None]:
                raise AssertionError(f"{event.event_id} could not be published")
        await broker.stop()

    async def drained(self, name: str) -> Counter[str]:
        """The ids of the messages that wait in a queue, each so often as it is there."""
        queue = await self._channel.declare_queue(name, passive=True)
        found: Counter[str] = Counter()
        while message := await queue.get(fail=False, no_ack=True):
            found[message.message_id or ""] += 1
        return found

    async def waits(self, name: str) -> int:
        """How many messages a queue holds."""
        queue = await self._channel.declare_queue(name, passive=True)
        return queue.declaration_result.message_count or 0

    async def archived(self) -> Counter[str]:
        """The ids of the events in the archive, each so often as it is there."""
        end, found = uuid4().hex, Counter[str]()
        await self._channel.default_exchange.publish(
            aio_pika.Message(b"end", message_id=end), topology.ARCHIVE
        )
        queue = await self._channel.declare_queue(topology.ARCHIVE, passive=True)
        async with queue.iterator(arguments={"x-stream-offset": "first"}, timeout=10) as messages:
            async for message in messages:
                await message.ack()
                if message.message_id == end:
                    break
                found[message.message_id or ""] += 1
        return found


@asynccontextmanager
async def open_world(rabbit: Rabbit, postgres: Postgres) -> AsyncIterator[World]:
    """A virtual host and databases of its own, a mail server, and whom to order lives from."""
    base = f"crash{uuid4().hex[:8]}"
    url = postgres.new_database(base)
    server = url.rpartition("/")[0]
    async with AsyncExitStack() as stack:
        await _migrate(url)
        amqp = rabbit.new_vhost(base)
        await declare_topology(amqp)
        connection = await stack.enter_async_context(await aio_pika.connect(amqp))
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=100)
        admin = await asyncpg.connect(f"{server}/carillon".replace("+asyncpg", ""))
        stack.push_async_callback(admin.close)
        mail = await stack.enter_async_context(FaultyServer().running())
        zygote = await stack.enter_async_context(Zygote())
        world = World(zygote, amqp, mail, FakeClock(NOON), stack, channel, admin, server, base)
        stack.push_async_callback(world.seal)
        yield world


async def _migrate(url: str) -> None:
    engine = make_engine(url)
    for service in ("poller", "classifier", "notifier"):
        await upgrade(engine, service)
    await engine.dispose()
