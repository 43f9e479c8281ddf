"""A whole installation on real engines in this process: its services' handlers, relays and office.

`passing` is how many messages the handlers take before they stop and wait: what is in queues and in
hand then stays there.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

import sqlalchemy as sa

from services.classifier import tables as classifier
from services.classifier.handlers import handler as classifying
from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.console.archive.stream import Stream
from services.console.pulse import take_pulse
from services.console.stores import Stores, deployed_stores
from services.notifier import tables as notifier
from services.notifier.handlers import handler as remembering
from services.notifier.office import Office, Patience
from services.notifier.packing import Identity
from services.notifier.run import deliver_due
from services.poller import tables as poller
from services.poller.eutils import Eutils
from services.poller.run import poll_due
from services.poller.topic import Topic
from shared.broker import begin, consume, declare_topology, make_broker, publisher
from shared.database import transaction
from shared.migrate import upgrade
from shared.outbox import Publish, relay
from shared.placing import Handle
from shared.topology import CLASSIFIER, NOTIFIER
from tests.chaos.received import Received, understood
from tests.eventually import eventually
from tests.fakes import FakeClock, FakeSender

IDENTITY = Identity("Carillon <carillon@localhost>", "carillon.localhost", "localhost")


@dataclass(frozen=True)
class Place:
    """Where an installation is."""

    amqp: str
    database: str
    stream_port: int

    @property
    def stream(self) -> Stream:
        return Stream(self.amqp, self.stream_port)

    @property
    def environment(self) -> dict[str, str]:
        """As `carillon` reads it."""
        return {
            "CARILLON_AMQP_URL": self.amqp,
            "CARILLON_DATABASE_URL": self.database,
            "CARILLON_STREAM_PORT": str(self.stream_port),
        }


@dataclass
class Gate:
    """Lets so many messages pass, then none until it is opened."""

    passing: int | None = None
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    def close_after(self, passing: int) -> None:
        self.passing = passing
        self.opened.clear()

    def open(self) -> None:
        self.passing = None
        self.opened.set()

    def before(self, handle: Handle) -> Handle:
        async def gated(body: bytes) -> None:
            if self.passing is not None:
                self.passing -= 1
                if self.passing < 0:
                    await self.opened.wait()
            await handle(body)

        return gated


@dataclass
class Installation:
    """It at work. `timer` is the real time, which goes with the simulated one."""

    place: Place
    stores: Stores
    clock: FakeClock
    eutils: Eutils
    topic: Topic
    publish: Publish
    sender: FakeSender = field(default_factory=FakeSender)
    gate: Gate = field(default_factory=Gate)
    timer: FakeClock = field(init=False)

    def __post_init__(self) -> None:
        self.timer = FakeClock(self.clock.now)

    async def poll(self) -> None:
        await poll_due(self.stores.poller, self.eutils, [self.topic], self.clock)

    async def arrived(self) -> None:
        """Wait until everything that was found has come through."""

        async def through() -> bool:
            pulse = await take_pulse(self.stores, self.topic.id, self.clock())
            polls = [await self.count(table) for table in (poller.polls, notifier.polls)]
            return not (sum(pulse.outboxes.values()) or pulse.on_the_way) and polls[0] == polls[1]

        await eventually(through, within=60)

    async def deliver(self) -> int:
        self.timer.now = self.clock.now
        office = Office({"email": self.sender}, IDENTITY, Patience(timer=self.timer))
        return await deliver_due(self.stores.notifier, office, self.clock)

    async def count(self, table: sa.Table) -> int:
        async with transaction(self.stores.notifier) as connection:
            return await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0

    @property
    def mails(self) -> list[Received]:
        return [
            understood(target.address, package.content, 0.0, answered=True)
            for target, package in self.sender.taken
        ]

    async def relay_always(self) -> None:
        outboxes = (
            (self.stores.poller, poller.outbox),
            (self.stores.classifier, classifier.outbox),
            (self.stores.notifier, notifier.outbox),
        )
        while True:
            for engine, outbox in outboxes:
                await relay(engine, outbox, self.publish)
            await asyncio.sleep(0.02)


async def install(place: Place) -> None:
    """As `carillon migrate`: every table and queue."""
    await declare_topology(place.amqp)
    stores = deployed_stores(place.database)
    await stores.migrate()
    await upgrade(stores.notifier, "console")
    await stores.close()


@asynccontextmanager
async def running(
    place: Place, clock: FakeClock, eutils: Eutils, topic: Topic
) -> AsyncIterator[Installation]:
    """An installation whose tables and queues are there; its services run while the block does."""
    async with AsyncExitStack() as stack:
        stores = deployed_stores(place.database)
        stack.push_async_callback(stores.close)
        broker, publishing = make_broker(place.amqp), make_broker(place.amqp)
        one = Installation(place, stores, clock, eutils, topic, publisher(publishing))
        classify = classifying(stores.classifier, load_taxonomy(TAXONOMY), clock)
        remember = remembering(stores.notifier, clock)
        consume(broker, CLASSIFIER, one.gate.before(classify), clock, publishing)
        consume(broker, NOTIFIER, one.gate.before(remember), clock, publishing)
        for part in (publishing, broker):
            await begin(part)
            stack.push_async_callback(part.stop)
        relaying = asyncio.create_task(one.relay_always())
        try:
            yield one
        finally:
            one.gate.open()
            relaying.cancel()
            with suppress(asyncio.CancelledError):
                await relaying
