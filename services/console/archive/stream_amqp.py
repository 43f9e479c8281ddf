"""The archive's stream over AMQP 0-9-1: everywhere to be had, a message at a time.

A stream wants a prefetch and acknowledgements, says a message's offset in its header
`x-stream-offset`, and takes where to begin as an argument of the consumer
(https://www.rabbitmq.com/docs/streams#consuming). Where it ends is not told: the count of a
passive declare lags behind what is confirmed. So the last chunk is read until no more comes.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from datetime import datetime

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from services.console.archive.recorded import LONG_AGO, Recorded, envelop, named
from shared import topology
from shared.broker import CONNECT_SECONDS, with_heartbeat
from shared.errors import Away
from shared.placing import AWAY

PREFETCH = 500
ACKNOWLEDGE_EVERY = 200
WHOLE_CHUNK = 5_000
"""More than a chunk's messages, so that all of the last one come without an acknowledgement."""
NOTHING_SECONDS = 5.0
"""Without a message for so long from its last chunk on, a stream is empty."""
QUIET_SECONDS = 2.0
STALL_SECONDS = 60.0


async def read_amqp(url: str) -> AsyncGenerator[Recorded, None]:
    """All that the stream held when reading began, in order.

    Raises:
        Away: the broker cannot be reached, has no archive, or went away.
    """
    before = LONG_AGO
    with _away():
        connection = await aio_pika.connect(with_heartbeat(url), timeout=CONNECT_SECONDS)
        async with connection:
            if (end := await _end(connection)) is None:
                return
            async with aclosing(_consumed(connection, "first", STALL_SECONDS)) as messages:
                async for message in messages:
                    entry = _entry(message, before)
                    before = entry.published_at
                    if entry.position <= end:
                        yield entry
                    if entry.position >= end:
                        return


async def _end(connection: AbstractConnection) -> int | None:
    """The last offset; None when the stream is empty.

    On a stream that grows all the time it may be one that came just after: never one before.
    """
    end: int | None = None
    came: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
    async with connection.channel() as channel:
        await channel.set_qos(prefetch_count=WHOLE_CHUNK)
        queue = await channel.get_queue(topology.ARCHIVE)
        await queue.consume(came.put, arguments={"x-stream-offset": "last"})
        try:
            for _ in range(WHOLE_CHUNK):
                async with asyncio.timeout(NOTHING_SECONDS if end is None else QUIET_SECONDS):
                    end = _offset(await came.get())
        except TimeoutError:
            return end
    return end


async def _consumed(
    connection: AbstractConnection, offset: str, idle: float
) -> AsyncGenerator[AbstractIncomingMessage, None]:
    async with connection.channel() as channel:
        await channel.set_qos(prefetch_count=PREFETCH)
        queue = await channel.get_queue(topology.ARCHIVE)
        arguments = {"x-stream-offset": offset}
        async with queue.iterator(arguments=arguments, timeout=idle) as messages:
            number = 0
            async for message in messages:
                yield message
                number += 1
                if number % ACKNOWLEDGE_EVERY == 0:
                    await message.ack(multiple=True)


def _entry(message: AbstractIncomingMessage, before: datetime) -> Recorded:
    found = envelop(_offset(message), message.body, message.routing_key or "", before=before)
    return named(found, message.message_id or "", message.type or "")


def _offset(message: AbstractIncomingMessage) -> int:
    return int(str(message.headers["x-stream-offset"]))


@contextmanager
def _away() -> Iterator[None]:
    try:
        yield
    except AWAY as error:
        raise Away(f"broker: {type(error).__name__} while reading the archive") from error
