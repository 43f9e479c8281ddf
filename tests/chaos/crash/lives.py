"""What a process does in one life: a service's real parts, in the order in which they work.

A life is a straight line and not the service's endless loops, so that each of its points comes
again in the next life. What it needs of the world it is given; what it did is in the world.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import aio_pika

from services.classifier.handlers import handler as classifier_handler
from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.notifier.handlers import handler as notifier_handler
from services.poller import tables as poller
from shared.broker import consume, make_broker, publisher
from shared.database import make_engine
from shared.errors import Retryable
from shared.outbox import relay
from shared.placing import Handle
from shared.topology import CLASSIFIER, NOTIFIER, ConsumerQueue
from tests.chaos.crash.hooks import ACKED, DELIVERED
from tests.chaos.crash.points import Points
from tests.fakes import FakeClock

TAXONOMY_READ = load_taxonomy(TAXONOMY)

BATCH = 3
"""Events that the relay takes in one transaction here, so that there are several of these."""


@dataclass(frozen=True)
class Given:
    """Where the engines are, what time it is, and whether this life follows one that was killed."""

    database: str
    amqp: str
    now: datetime
    smtp_port: int = 0
    eutils: str = ""
    is_recovery: bool = False

    @property
    def clock(self) -> FakeClock:
        """A clock that stands at that time."""
        return FakeClock(self.now)


Life = Callable[[Given, Points], Coroutine[Any, Any, None]]


async def relaying(given: Given, _points: Points) -> None:
    """Relay the poller's outbox until nothing of it can be published any more."""
    engine, broker = make_engine(given.database), make_broker(given.amqp)
    await broker.start()
    publish = publisher(broker)
    while await relay(engine, poller.outbox, publish, BATCH):
        continue
    await broker.stop()
    await engine.dispose()


async def classifying(given: Given, points: Points) -> None:
    """Consume all that waits for the classifier."""
    engine = make_engine(given.database)
    await _consuming(
        given, points, CLASSIFIER, classifier_handler(engine, TAXONOMY_READ, given.clock)
    )
    await engine.dispose()


async def projecting(given: Given, points: Points) -> None:
    """Consume all that waits for the notifier."""
    engine = make_engine(given.database)
    await _consuming(given, points, NOTIFIER, notifier_handler(engine, given.clock))
    await engine.dispose()


async def retrying(given: Given, points: Points) -> None:
    """Consume what waits for the classifier; in a first life nothing succeeds at once."""
    engine = make_engine(given.database)
    handle, seen = classifier_handler(engine, TAXONOMY_READ, given.clock), set[bytes]()

    async def at_the_second_attempt(body: bytes) -> None:
        if body not in seen and not given.is_recovery:
            seen.add(body)
            raise Retryable("not yet")
        await handle(body)

    await _consuming(given, points, CLASSIFIER, at_the_second_attempt)
    await engine.dispose()


async def _consuming(given: Given, points: Points, queue: ConsumerQueue, handle: Handle) -> None:
    broker = make_broker(given.amqp)
    consume(broker, queue, handle, given.clock)
    await broker.start()
    await _settled(given.amqp, points, queue)
    await broker.stop()


async def _settled(amqp: str, points: Points, queue: ConsumerQueue) -> None:
    """Return when nothing waits, here or to be tried again, and all that came was answered for."""
    calm = 0
    async with await aio_pika.connect(amqp) as connection:
        channel = await connection.channel()
        while calm < 3:
            await asyncio.sleep(0.03)
            names = (queue.name, queue.retry(1), queue.retry(2))
            waits = [await _ready(channel, name) for name in names]
            in_hand = points.times(DELIVERED) - points.times(ACKED)
            calm = calm + 1 if not any(waits) and not in_hand else 0


async def _ready(channel: Any, name: str) -> int:
    queue = await channel.declare_queue(name, passive=True)
    return int(queue.declaration_result.message_count)


LIVES: dict[str, Life] = {
    "relay": relaying,
    "inbox of the classifier": classifying,
    "inbox of the notifier": projecting,
    "retry": retrying,
}

AFTER_LEASE = timedelta(minutes=11)
