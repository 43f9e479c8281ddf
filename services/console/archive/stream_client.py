"""`rstream`'s low-level client, with two ways of its own: how bytes come in, and chunks are read.

The library reads a socket in pieces of 256 bytes and each frame field by field, which costs more
than what is in it. Everything but the arrival of chunks is the library's.
"""

import struct
from asyncio import IncompleteReadError

from rstream.client import Client
from rstream.connection import Connection, ConnectionClosed
from rstream.encoding import decode_frame
from rstream.schema import Close, Deliver, Frame, Heartbeat

DELIVER = b"\x00\x08\x00\x01"
"""Key and version of a frame that brings a chunk
(https://github.com/rabbitmq/rabbitmq-server/blob/main/deps/rabbitmq_stream/docs/PROTOCOL.adoc)."""
HEAD = struct.Struct(">BbbHIqQQIIII")
"""Subscription, then the head of a chunk, as `rstream.schema.Deliver` has its fields."""


class Swift(Connection):
    """A connection that reads frames whole."""

    async def read_frame(self) -> Frame:
        """The next frame; `ConnectionClosed` at the end."""
        if (reader := self._reader) is None:
            raise ConnectionClosed
        try:
            length = int.from_bytes(await reader.readexactly(4), "big")
            frame = await reader.readexactly(length)
        except IncompleteReadError as error:
            raise ConnectionClosed from error
        if frame[:4] != DELIVER:
            return decode_frame(frame)
        return chunk(frame)


def chunk(frame: bytes) -> Deliver:
    """The chunk that a frame brings."""
    head = HEAD.unpack_from(frame, 4)
    return Deliver(*head, frame[4 + HEAD.size :])  # type: ignore[call-arg]


class SwiftClient(Client):
    """The library's client on such a connection."""

    async def start(self) -> None:
        """Connect, and begin to listen."""
        self._conn = Swift(self.host, self.port, self._ssl_context)
        await self._conn.open()
        self.start_task("listener", self._listener())
        self.add_handler(Heartbeat, self._on_heartbeat)
        self.add_handler(Close, self._on_close)
