"""How fast the archive is read, and published again: beside bare aio-pika in the same run.

    python -m tests.bench.archive_replay [--events 60000] [--rounds 5]
                                         [--floor 0.8] [--reading 5]

Needs Docker. Bare is aio-pika's own publish of bodies in memory, 500 in flight, confirmed, into a
quorum queue. Beside it the same events out of the archive's stream, published again by
`services.console.archive.publishing` into a queue of the same kind, and read alone. Exit code 1
when the median ratio of publishing again is below the floor, that of reading below its own, or
more memory was held after the archive was read thrice more. Connecting is part of reading: of
20,000 events, read in 0.7 s, it is a fifth. Beside each figure stands the
processor time of this process: it says more than the clock's where a machine is busy.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise

import aio_pika
from aio_pika.abc import AbstractChannel

from services.console.archive.ahead import ahead
from services.console.archive.publishing import BATCH, Onward, opened_channel, publish_all
from services.console.archive.recorded import Recorded
from services.console.archive.stream import Stream
from shared import topology
from shared.broker import declare_topology
from shared.events import CONTENT_TYPE
from tests.builders import SENTENCE, an_article, discovered
from tests.memory import most_held
from tests.parts import Rabbit, start_rabbit

BARE, AGAIN = "bench.bare", "bench.again"
REST_SECONDS = 5.0
"""For so long the broker still writes away what was published to it."""
MEMORY_MB = 30.0
"""Memory may breathe by so much over three readings more."""


def _bodies(count: int) -> list[bytes]:
    """Events of some 1.5 KB."""
    article = an_article(abstract=[{"text": SENTENCE * 14}])
    return [discovered(article=article, revision=n).encode() for n in range(1, count + 1)]


@dataclass(frozen=True)
class Ground:
    """The archive, two queues of the same kind, and a channel for bare publishing."""

    archive: Stream
    channel: AbstractChannel
    again: AbstractChannel
    count: int

    async def bare(self, bodies: list[bytes]) -> float:
        """Events a second of aio-pika."""
        await self._purge()
        started = time.perf_counter()
        for start in range(0, len(bodies), BATCH):
            await asyncio.gather(
                *(
                    self.channel.default_exchange.publish(_message(start + n, body), BARE)
                    for n, body in enumerate(bodies[start : start + BATCH])
                )
            )
        return len(bodies) / (time.perf_counter() - started)

    async def published_again(self) -> float:
        """Events a second out of the archive and into a queue."""
        await self._purge()
        started, done = time.perf_counter(), 0
        async for batch in _batches(ahead(self.archive.read(), BATCH)):
            faults = await publish_all(self.again, "", batch)
            assert not any(faults)
            done += len(batch)
        assert done == self.count
        return done / (time.perf_counter() - started)

    async def reading(self) -> float:
        """Events a second out of the archive."""
        started, done = time.perf_counter(), 0
        async for entry in self.archive.read():
            done += bool(entry.event_id)
        assert done == self.count
        return done / (time.perf_counter() - started)

    async def rests(self) -> None:
        """Let the broker write away what was published: reading alone has nothing beside it."""
        await self._purge()
        await asyncio.sleep(REST_SECONDS)

    async def _purge(self) -> None:
        for name in (BARE, AGAIN):
            queue = await self.channel.get_queue(name)
            await queue.purge()


def _message(number: int, body: bytes) -> aio_pika.Message:
    return aio_pika.Message(
        body,
        message_id=f"m{number}",
        content_type=CONTENT_TYPE,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


async def _batches(entries: AsyncIterator[Recorded]) -> AsyncIterator[list[Onward]]:
    batch: list[Onward] = []
    async for entry in entries:
        batch.append(Onward(AGAIN, entry.event_id, entry.type, entry.body))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def _prepared(channel: AbstractChannel, bodies: list[bytes]) -> None:
    for name in (BARE, AGAIN):
        await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})
    exchange = await channel.get_exchange(topology.ARCHIVE_EXCHANGE)
    for start in range(0, len(bodies), BATCH):
        chunk = enumerate(bodies[start : start + BATCH])
        await asyncio.gather(
            *(
                exchange.publish(_message(start + n, body), "article.discovered")
                for n, body in chunk
            )
        )


async def _measure(rabbit: Rabbit, given: argparse.Namespace) -> bool:
    url = rabbit.new_vhost("bench")
    await declare_topology(url)
    bodies = _bodies(given.events)
    _say(f"{given.events} events of {len(bodies[0])} bytes; events a second:")
    connection = await aio_pika.connect(url)
    async with connection, opened_channel(url) as again:
        channel = await connection.channel()
        await _prepared(channel, bodies)
        ground = Ground(Stream(url, rabbit.stream_port), channel, again, given.events)
        ratios = [await _round(ground, bodies) for _ in range(given.rounds)]
        grown = await _grown(ground)
    publishing, reading = (statistics.median(column) for column in zip(*ratios, strict=True))
    _say(f"median ratios: published again {publishing:.2f}, read {reading:.1f}")
    _say(f"memory after three readings more: {grown:+.1f} MB")
    return bool(publishing >= given.floor and reading >= given.reading and grown < MEMORY_MB)


async def _round(ground: Ground, bodies: list[bytes]) -> tuple[float, float]:
    used = [time.process_time()]
    bare = await ground.bare(bodies)
    used.append(time.process_time())
    again = await ground.published_again()
    used.append(time.process_time())
    await ground.rests()
    used[-1] = time.process_time()
    reading = await ground.reading()
    used.append(time.process_time())
    each = [(b - a) / ground.count * 1e6 for a, b in pairwise(used)]
    _say(
        f"bare {bare:6.0f} [{each[0]:4.0f} us]   "
        f"again {again:6.0f} ({again / bare:.2f}) [{each[1]:4.0f} us]   "
        f"read {reading:6.0f} ({reading / bare:.1f}) [{each[2]:4.0f} us]"
    )
    return again / bare, reading / bare


async def _grown(ground: Ground) -> float:
    before = most_held()
    for _ in range(3):
        await ground.reading()
    return most_held() - before


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Measure, and say whether the limits are kept."""
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    words.add_argument("--events", type=int, default=60_000)
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--floor", type=float, default=0.8)
    words.add_argument("--reading", type=float, default=5.0)
    given = words.parse_args()
    with start_rabbit() as rabbit:
        held = asyncio.run(_measure(rabbit, given))
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
