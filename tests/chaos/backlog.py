"""What a backlog costs: disk, and not memory.

    python -m tests.chaos.backlog [--messages 100000] [--drain 120] [--only CASE]

Three cases, each with real processes on a RabbitMQ and a PostgreSQL of its own (Docker):
`classifier`: nobody classifies, the events queue up, then somebody does;
`broker`: the broker is away, the outbox fills up, then it is back;
`notifier`: a notifier finds everything that it missed.
It is looked at for `--drain` seconds how what has queued up is worked off. Exit code 1 when memory
grew by more than `ROOM` MB, more was in hand than is allowed, or the order was lost.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import aio_pika
import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier.classify import classify
from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.console.demo_articles import demo_articles
from services.poller import tables as poller
from shared.broker import PREFETCH, declare_topology, make_broker, publisher
from shared.database import make_engine, transaction
from shared.migrate import upgrade
from shared.outbox import Outgoing, pending
from shared.topology import CLASSIFIER, NOTIFIER, ConsumerQueue
from tests.builders import classified, discovered
from tests.chaos.soak_crew import SERVICES, Crew
from tests.chaos.soak_day import BEGINS
from tests.chaos.soak_engines import Management, Queues
from tests.parts import Rabbit, start_postgres, start_rabbit

ROOM = 30.0
"""MB that a service may grow by over a backlog: batches, pools and caches, whatever waits."""
CHUNK = 500
LONG = "x" * 10_000
"""Makes a record as large as one with a long list of authors; nothing reads this title."""


@dataclass
class Site:
    """Where a case is tried."""

    rabbit: Rabbit
    crew: Crew
    engine: AsyncEngine
    management: Management
    queues: Queues


@dataclass(frozen=True)
class Found:
    """What a case came to. Memory in MB; `in_hand` is the most that a consumer held at once."""

    case: str
    messages: int
    payload: float
    grew: dict[str, float]
    drained: int
    seconds: float
    in_hand: int = 0
    disorder: int = 0
    probes: tuple[int, int] = (200, 200)

    @property
    def is_well(self) -> bool:
        """Whether memory did not follow the backlog, and the order was kept."""
        is_flat = all(mb <= ROOM for who, mb in self.grew.items() if who != "broker")
        return is_flat and self.in_hand <= PREFETCH and self.disorder == 0 and self.drained > 0

    def __str__(self) -> str:
        grew = ", ".join(f"{who} {mb:+.1f} MB" for who, mb in self.grew.items())
        return (
            f"{self.case}: {self.messages:,} messages, {self.payload:.0f} MB; {grew}; "
            f"{self.drained:,} worked off in {self.seconds:.0f} s, at most {self.in_hand} in hand, "
            f"{self.disorder} out of order; /livez {self.probes[0]}, /readyz {self.probes[1]}"
        )


async def dead_classifier(site: Site, messages: int, drain: float) -> Found:
    """The poller goes on, nobody classifies; then a classifier comes back."""
    site.crew.start(("poller",))
    await site.queues.unbind(NOTIFIER)
    await _until(lambda: _samples(site, "poller") >= 2)
    before, broker = _own(site, "poller"), await _broker_memory(site)
    payload = await _fill(site, messages)
    await _until(lambda: _is_relayed(site))
    grew = {"poller": _most(site, "poller") - before, "broker": await _broker_memory(site) - broker}
    more, drained, seconds, in_hand = await _worked_off(site, "classifier", CLASSIFIER, drain)
    return Found(
        "classifier", messages, payload, grew | {"classifier": more}, drained, seconds, in_hand
    )


async def broker_away(site: Site, messages: int, drain: float) -> Found:
    """The broker is away while the outbox fills up; then it is back."""
    site.crew.start(("poller",))
    await _until(lambda: _samples(site, "poller") >= 2)
    before = _own(site, "poller")
    await asyncio.to_thread(site.rabbit.stop)
    try:
        payload = await _fill(site, messages)
        await asyncio.sleep(10)
        probes = [await asyncio.to_thread(_probe, site, path) for path in ("/livez", "/readyz")]
    finally:
        await asyncio.to_thread(site.rabbit.start)
    began = time.monotonic()
    while await _left(site.engine) and time.monotonic() - began < drain:  # noqa: ASYNC110
        await asyncio.sleep(0.5)
    seconds = time.monotonic() - began
    drained = messages - await _left(site.engine)
    grew = {"poller": _most(site, "poller") - before}
    disorder = await _disorder(site, min(drained, messages))
    return Found(
        "broker", messages, payload, grew, drained, seconds, 0, disorder, (probes[0], probes[1])
    )


async def late_notifier(site: Site, messages: int, drain: float) -> Found:
    """Everything was classified while no notifier was there."""
    payload = await _publish(site, messages)
    more, drained, seconds, in_hand = await _worked_off(site, "notifier", NOTIFIER, drain)
    return Found("notifier", messages, payload, {"notifier": more}, drained, seconds, in_hand)


CASES: dict[str, Callable[[Site, int, float], Awaitable[Found]]] = {
    "classifier": dead_classifier,
    "broker": broker_away,
    "notifier": late_notifier,
}


async def tried(case: str, rabbit: Rabbit, crew: Crew, messages: int, drain: float) -> Found:
    """One case, on engines that have nothing in them yet."""
    crew.show(BEGINS)
    await declare_topology(crew.amqp_url)
    async with AsyncExitStack() as stack:
        engine = make_engine(crew.database_url)
        stack.push_async_callback(engine.dispose)
        for service in SERVICES:
            await upgrade(engine, service)
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=30))
        queues = Queues(crew.amqp_url)
        stack.push_async_callback(queues.close)
        stack.callback(crew.stop)
        management = Management.of(rabbit, crew.amqp_url, http)
        return await CASES[case](Site(rabbit, crew, engine, management, queues), messages, drain)


async def _worked_off(
    site: Site, service: str, queue: ConsumerQueue, drain: float
) -> tuple[float, int, float, int]:
    """What the service's memory grew by, how many it did in how many seconds, most in hand."""
    before = (await site.queues.ready([queue.name]))[queue.name]
    site.crew.start((service,))
    await _until(lambda: _samples(site, service) >= 2)
    await _until(lambda: _is_less(site, queue, before - 2 * PREFETCH))
    began, level, in_hand = time.monotonic(), _own(site, service), 0
    left = before
    while left and time.monotonic() - began < drain:
        await asyncio.sleep(1)
        in_hand = max(in_hand, await site.management.in_hand(queue.name))
        left = (await site.queues.ready([queue.name]))[queue.name]
    return _most(site, service) - level, before - left, time.monotonic() - began, in_hand


async def _is_less(site: Site, queue: ConsumerQueue, than: int) -> bool:
    return (await site.queues.ready([queue.name]))[queue.name] < than


async def _fill(site: Site, messages: int) -> float:
    """Put so many events into the poller's outbox; their size in MB."""
    size = 0
    for some in _chunks(_discoveries(messages)):
        rows = [
            {
                "event_id": one.event_id, "type": one.type, "routing_key": one.routing_key,
                "body": one.body, "created_at": BEGINS,
            }
            for one in some
        ]  # fmt: skip
        async with transaction(site.engine) as connection:
            await connection.execute(poller.outbox.insert(), rows)
        size += sum(len(one.body) for one in some)
    return size / 1e6


async def _publish(site: Site, messages: int) -> float:
    size = 0
    broker = make_broker(site.crew.amqp_url)
    await broker.start()
    publish = publisher(broker)
    for some in _chunks(_classifications(messages)):
        if any(await publish(some)):
            raise RuntimeError("an event was not taken")
        size += sum(len(one.body) for one in some)
    await broker.stop()
    return size / 1e6


def _discoveries(messages: int) -> Iterator[Outgoing]:
    articles = demo_articles()
    for number in range(messages):
        changes = {"pmid": 60_000_000 + number, "vernacular_title": LONG}
        article = articles[number % len(articles)].model_copy(update=changes)
        event = discovered(article=article)
        yield Outgoing(event.id, event.type, event.ROUTING_KEY, event.encode())


def _classifications(messages: int) -> Iterator[Outgoing]:
    articles, taxonomy = demo_articles()[:50], load_taxonomy(TAXONOMY)
    labels = [classify(article, taxonomy) for article in articles]
    for number in range(messages):
        which = number % len(articles)
        changes = {"pmid": 60_000_000 + number, "vernacular_title": LONG}
        article = articles[which].model_copy(update=changes)
        event = classified(article=article, classification=labels[which])
        yield Outgoing(event.id, event.type, event.ROUTING_KEY, event.encode())


def _chunks(events: Iterable[Outgoing]) -> Iterator[Sequence[Outgoing]]:
    some: list[Outgoing] = []
    for one in events:
        some.append(one)
        if len(some) == CHUNK:
            yield some
            some = []
    if some:
        yield some


async def _disorder(site: Site, most: int) -> int:
    """How many of the events in the classifier's queue come after one that was put in later."""
    wanted = {one.event_id: number for number, one in enumerate(_discoveries(most))}
    connection = await aio_pika.connect(site.crew.amqp_url)
    seen: dict[int, None] = {}
    async with connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=500)
        queue = await channel.declare_queue(CLASSIFIER.name, passive=True)
        async with queue.iterator(no_ack=False, timeout=5) as messages:
            async for message in messages:
                number = wanted.get(message.message_id or "")
                if number is not None:
                    seen.setdefault(number)
                await message.ack()
                if len(seen) == most:
                    break
    return sum(later < earlier for earlier, later in pairwise(seen))


def _samples(site: Site, service: str) -> int:
    return len(site.crew.samples(service))


def _own(site: Site, service: str) -> float:
    return float(site.crew.samples(service)[-1]["own"])


def _most(site: Site, service: str) -> float:
    return max(float(sample["own"]) for sample in site.crew.samples(service))


async def _broker_memory(site: Site) -> float:
    return (await site.management.numbers())["broker_memory"]


async def _is_relayed(site: Site) -> bool:
    return await _left(site.engine) == 0


async def _left(engine: AsyncEngine) -> int:
    async with transaction(engine) as connection:
        return await pending(connection, poller.outbox)


async def _until(holds: Callable[[], bool | Awaitable[bool]], within: float = 1_800.0) -> None:
    ends = time.monotonic() + within
    while time.monotonic() < ends:
        answer = holds()
        if answer if isinstance(answer, bool) else await answer:
            return
        await asyncio.sleep(0.5)
    raise TimeoutError(f"not within {within:.0f} s")


def _probe(site: Site, path: str) -> int:
    try:
        with urlopen(f"http://127.0.0.1:{site.crew.ports['poller']}{path}", timeout=20) as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code
    except (URLError, OSError):
        return 0


def main() -> int:
    """Try the cases that the command line names; 0 when all are well."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--drain", type=float, default=120.0)
    parser.add_argument("--only", choices=sorted(CASES))
    given = parser.parse_args()
    cases = [given.only] if given.only else list(CASES)
    well = [_alone(case, given.messages, given.drain) for case in cases]
    return 0 if all(well) else 1


def _alone(case: str, messages: int, drain: float) -> bool:
    with (
        TemporaryDirectory(prefix="backlog-") as folder,
        start_rabbit() as rabbit,
        start_postgres() as postgres,
    ):
        urls = postgres.new_database(case), rabbit.new_vhost(case)
        crew = Crew(Path(folder), *urls, seconds=2.0)
        found = asyncio.run(tried(case, rabbit, crew, messages, drain))
    sys.stdout.write(f"{found}{'' if found.is_well else '  NOT WELL'}\n")
    sys.stdout.flush()
    return found.is_well


if __name__ == "__main__":
    sys.exit(main())
