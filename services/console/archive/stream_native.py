"""The archive's stream over RabbitMQ's stream protocol, chunk by chunk.

The low-level client of `rstream` is used: its consumer asks for the next chunk before the last is
worked off and tells nobody that the connection is gone (docs/decisions/0036).
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote, urlsplit

import rstream
from rstream import OffsetType, amqp_decoder
from rstream.client import Client
from rstream.exceptions import ClientError
from rstream.schema import Deliver, OffsetSpec

from services.console.archive.amqp_message import Unusual, read_message
from services.console.archive.recorded import LONG_AGO, Recorded, envelop, named
from services.console.archive.stream_client import SwiftClient
from shared import topology
from shared.errors import Away

FIRST_CHUNKS = 8
"""Asked for at first, when nobody knows how large they are: what was published together, mostly
some hundred events of an outbox, or one that came alone."""
MOST_CHUNKS = 128
HAND_BYTES = 4_000_000
"""Of chunks on their way or in hand at once: many small ones, so that none is waited for."""
FRAME_BYTES = 1024 * 1024
HEARTBEAT_SECONDS = 20
SETUP_SECONDS = 10.0
LOOK_SECONDS = 1.0
NOTHING_SECONDS = 5.0
"""Without its last chunk for so long, a stream is empty."""
STALL_SECONDS = 60.0
_WHOLE, _LAST = 0, 1


@dataclass(frozen=True)
class Address:
    """A node's stream port, and who asks there."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    vhost: str

    @classmethod
    def of(cls, url: str, port: int) -> "Address | None":
        """From an AMQP URL; None where the port is 0 or the URL asks for TLS (amqps)."""
        parts = urlsplit(url)
        if not port or parts.scheme != "amqp":
            return None
        return cls(
            parts.hostname or "localhost",
            port,
            unquote(parts.username or "guest"),
            unquote(parts.password or "guest"),
            unquote(parts.path.removeprefix("/")) or "/",
        )


@dataclass
class Credit:
    """How many more chunks to ask for. Asked for together: each asking is a round of the network.

    As many as `HAND_BYTES` hold of the largest of the last ones. A stream of small chunks in which
    large ones begin brings `MOST_CHUNKS` of these once.
    """

    asked: int = FIRST_CHUNKS
    largest: int = 0

    def after(self, size: int) -> int:
        """How many to ask for when a chunk of so many bytes has been worked off; mostly none."""
        self.asked -= 1
        self.largest = max(size, self.largest * 15 // 16)
        wanted = min(max(HAND_BYTES // max(self.largest, 1), 2), MOST_CHUNKS)
        if self.asked > wanted // 2:
            return 0
        more, self.asked = wanted - self.asked, wanted
        return more


@dataclass(frozen=True)
class Connected:
    """Two subscriptions to the archive: its last chunk says where it ends, the other has it all."""

    client: Client
    last: "asyncio.Queue[Deliver]"
    chunks: "asyncio.Queue[Deliver]"

    async def read(self) -> AsyncGenerator[Recorded, None]:
        """All that the stream held when reading began, in order.

        Raises:
            Away: the connection is lost.
        """
        before, credit = LONG_AGO, Credit()
        try:
            end = await self._end()
            position = -1
            while end is not None and position < end:
                chunk = await self._next(self.chunks, STALL_SECONDS)
                for offset, message in enumerate(chunk.get_messages(), chunk.chunk_first_offset):
                    if (position := offset) <= end:
                        entry = _entry(offset, message, before)
                        before = entry.published_at
                        yield entry
                if more := credit.after(len(chunk.data)):
                    await self.client.credit(_WHOLE, more)
        finally:
            await _close(self.client)

    async def _end(self) -> int | None:
        try:
            chunk = await self._next(self.last, NOTHING_SECONDS)
        except TimeoutError:
            return None
        return chunk.chunk_first_offset + chunk.num_records - 1

    async def _next(self, chunks: "asyncio.Queue[Deliver]", within: float) -> Deliver:
        """The next chunk; a look now and then at whether the connection lives."""
        if not chunks.empty():
            return chunks.get_nowait()
        looks = int(within / LOOK_SECONDS)
        for _ in range(looks):
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    return await chunks.get()
            except TimeoutError:
                if not self.client.is_connection_alive():
                    break
        else:
            if chunks is self.last:
                raise TimeoutError
        raise Away("broker: the connection was lost while reading the archive")


async def connect(address: Address) -> Connected:
    """Subscribe to the archive.

    Raises:
        Away: the stream protocol does not answer there, or does not give us the stream.
    """
    client = SwiftClient(
        address.host,
        address.port,
        frame_max=FRAME_BYTES,
        heartbeat=HEARTBEAT_SECONDS,
        connection_name="carillon-archive",
        connection_closed_handler=lambda _: None,
    )
    connected = Connected(client, asyncio.Queue(), asyncio.Queue())
    try:
        async with asyncio.timeout(SETUP_SECONDS):
            await _subscribe(connected, address)
    except (OSError, TimeoutError, AssertionError, rstream.ServerError, ClientError) as error:
        await _close(client)
        raise Away(f"broker: {type(error).__name__} on the stream port") from error
    return connected


async def _close(client: Client) -> None:
    await client.close()
    # A connection that was lost, the client forgets without closing its socket.
    if (left := client._conn) is not None:
        with suppress(OSError):
            await left.close()


async def _subscribe(connected: Connected, address: Address) -> None:
    client = connected.client

    def deliver(chunk: Deliver) -> None:
        (connected.last if chunk.subscription_id == _LAST else connected.chunks).put_nowait(chunk)

    await client.start()
    await client.authenticate(address.vhost, address.user, address.password)
    client.add_handler(Deliver, deliver, name=str(_WHOLE))
    await client.run_queue_listener_task(_WHOLE, deliver)
    begins = ((_LAST, OffsetType.LAST, 1), (_WHOLE, OffsetType.FIRST, FIRST_CHUNKS))
    for number, offset, credit in begins:
        begin = OffsetSpec.from_params(offset, None)
        await client.subscribe(topology.ARCHIVE, number, begin, initial_credit=credit)


def _entry(offset: int, encoded: bytes, before: datetime) -> Recorded:
    # As RabbitMQ converts what came by AMQP 0-9-1: the type is an annotation, the id a property
    # (https://www.rabbitmq.com/docs/conversions).
    try:
        message = read_message(encoded)
        key = message.annotation(b"x-routing-key").decode(errors="replace")
        entry = envelop(offset, message.body, key, before=before)
        if entry.event_id:
            return entry
        return named(entry, _text(message.message_id), _text(message.annotation(b"x-basic-type")))
    except Unusual:
        return _by_library(offset, encoded, before)


def _by_library(offset: int, encoded: bytes, before: datetime) -> Recorded:
    """The same, slower, and of whatever is built otherwise."""
    found = amqp_decoder(encoded)
    notes, properties = found.message_annotations or {}, found.properties
    key = _text(notes.get(b"x-routing-key"))
    entry = envelop(offset, bytes(found.body or b""), key, before=before)
    message_id = _text(properties.message_id) if properties else ""
    return named(entry, message_id, _text(notes.get(b"x-basic-type")))


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")
