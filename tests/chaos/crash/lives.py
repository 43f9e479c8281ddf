"""What a process does in one life: a service's real parts, in the order in which they work.

A life is a straight line and not the service's endless loops, so that each of its points comes
again in the next life. What it needs of the world it is given; what it did is in the world.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import aio_pika
from pydantic import SecretStr

from services.classifier.handlers import handler as classifier_handler
from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.notifier.handlers import handler as notifier_handler
from services.notifier.letters_delivery import Mailroom, deliver_letters
from services.notifier.office import Office, Patience
from services.notifier.run import deliver_due
from services.notifier.senders.connection import SmtpServer
from services.notifier.senders.smtp import SmtpSender
from services.notifier.tokens import Tokens
from services.poller import collect
from services.poller import tables as poller
from services.poller.backfill import begin, go_through
from services.poller.backfill_windows import Span
from services.poller.collect import Outside
from services.poller.eutils import Access, Limiter, make_eutils
from services.poller.eutils.limit import Slot
from services.poller.eutils.retry import Timing
from services.poller.pace import DatabasePace
from services.poller.run import poll_due
from services.poller.topic import Query, Topic
from shared.broker import consume, make_broker, publisher
from shared.database import make_engine
from shared.errors import Retryable
from shared.outbox import relay
from shared.placing import Handle
from shared.topology import CLASSIFIER, NOTIFIER, ConsumerQueue
from tests.chaos.crash.hooks import ACKED, DELIVERED
from tests.chaos.crash.points import Points
from tests.fakes import FakeClock
from tests.unit.notifier.kit import IDENTITY

TAXONOMY_READ = load_taxonomy(TAXONOMY)

KEYS = (SecretStr("a key of the tests, and long enough"),)

TOPIC = Topic(
    id="lupus",
    title="CAR cells in lupus",
    seed=100,
    query=(Query(name="lupus", term="lupus[tiab]"),),
    cited_by=True,
)
SPAN = Span(date(2026, 6, 1), date(2026, 8, 31))
CHUNK = 2

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


async def delivering(given: Given, _points: Points) -> None:
    """Cut the digests that are due and send what waits; in a recovery, again after the lease."""
    engine, timer = make_engine(given.database), FakeClock(given.now)
    sender = _sender(given)
    office = Office({"email": sender}, IDENTITY, Patience(timer=timer))
    await deliver_due(engine, office, given.clock)
    if given.is_recovery:
        timer.advance(minutes=11)
        await deliver_due(engine, office, given.clock)
    await sender.close()
    await engine.dispose()


async def lettering(given: Given, _points: Points) -> None:
    """Send the letters that wait; in a recovery, again after the lease."""
    engine, timer = make_engine(given.database), FakeClock(given.now)
    sender = _sender(given)
    office = Office({"email": sender}, IDENTITY, Patience(timer=timer))
    room = Mailroom(engine, office, Tokens(KEYS), "https://example.org", given.clock)
    await deliver_letters(room)
    if given.is_recovery:
        timer.advance(minutes=11)
        await deliver_letters(room)
    await sender.close()
    await engine.dispose()


def _sender(given: Given) -> SmtpSender:
    server = SmtpServer("127.0.0.1", given.smtp_port, tls="none", connections=1)
    return SmtpSender(server, "news@example.org")


async def polling(given: Given, _points: Points) -> None:
    """Poll what is due."""
    outside = _outside(given)
    await poll_due(outside.engine, outside.eutils, [TOPIC], given.clock)
    await outside.eutils.aclose()
    await outside.engine.dispose()


async def filling(given: Given, _points: Points) -> None:
    """Go through the past, window by window; what is closed already is not asked again."""
    outside = _outside(given)
    async for _ in go_through(outside, await begin(outside, TOPIC, SPAN)):
        continue
    await outside.eutils.aclose()
    await outside.engine.dispose()


@dataclass(frozen=True)
class _Punctual:
    """The shared pace, whose slots are there at once and never missed.

    One that was missed is followed by another: on a busy machine a life would have more points
    than the one that named them.
    """

    pace: DatabasePace

    async def reserve(self, gap: float, ahead: float = 0.0) -> Slot:
        """Reserve a slot as ever, and do not wait for it."""
        await self.pace.reserve(gap, ahead)
        return Slot(0.0)

    async def hold(self, seconds: float) -> None:
        """As ever."""
        await self.pace.hold(seconds)


def _outside(given: Given) -> Outside:
    """A poller's outside; a chunk is small, so that there are several."""
    collect.CHUNK = CHUNK  # type: ignore[attr-defined]
    engine = make_engine(given.database)
    stands_still = Timing(monotonic=lambda: 0.0)
    limiter = Limiter(1000, _Punctual(DatabasePace(engine, "crash")), stands_still)
    return Outside(engine, make_eutils(Access(given.eutils), limiter=limiter), given.clock)


LIVES: dict[str, Life] = {
    "relay": relaying,
    "inbox of the classifier": classifying,
    "inbox of the notifier": projecting,
    "retry": retrying,
    "delivery ledger": delivering,
    "letters": lettering,
    "poll ledger": polling,
    "windows": filling,
}
