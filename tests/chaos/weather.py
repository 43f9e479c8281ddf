"""What befalls the bytes of one route of the proxy, and the connections they go over."""

import asyncio
import random
import socket
import struct
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

How = Literal["rst", "fin"]
Way = Literal["up", "down"]
"""`up`: from the client to the server; `down`: back."""

CHUNK = 65_536
NO_LINGER = struct.pack("ii", 1, 0)
"""SO_LINGER with zero seconds: the kernel ends the connection with a reset (RFC 9293, 3.6)."""


@dataclass
class Weather:
    """The faults of a route at present; read for each chunk of bytes that passes.

    `latency` and `jitter` are seconds a chunk, `rate` is bytes a second (0: as fast as it goes).
    `hole` swallows all bytes. `countdown` has, for each way, after how many bytes more whichever
    connection carries the last of them is cut.
    """

    latency: float = 0.0
    jitter: float = 0.0
    rate: int = 0
    hole: bool = False
    countdown: dict[Way, int] = field(default_factory=dict)
    countdown_how: How = "rst"

    def allowed(self, way: Way, size: int) -> int:
        """How many of `size` bytes may still pass before the cut; counts them."""
        left = self.countdown.get(way)
        if left is None:
            return size
        passed = min(size, left)
        self.countdown[way] = left - passed
        return passed

    def is_cut(self, way: Way) -> bool:
        """Whether the countdown of this way has run out; it is over then."""
        if self.countdown.get(way) != 0:
            return False
        del self.countdown[way]
        return True

    async def pause(self, size: int) -> None:
        """Wait as long as so many bytes take."""
        seconds = self.latency + random.uniform(0, self.jitter)  # noqa: S311  no secret
        seconds += size / self.rate if self.rate else 0.0
        if seconds:
            await asyncio.sleep(seconds)


@dataclass(eq=False)
class Link:
    """One connection through the proxy: the client's end, and ours to the server."""

    weather: Weather
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    is_deaf: bool = False
    """Swallows all bytes, whatever the weather: its server's side has ended unheard."""
    has_lost: bool = False
    """Bytes were swallowed: the rest would make no sense, so it is reset when all is healed."""

    def end(self, how: How) -> None:
        """End both sides, with a reset or orderly."""
        self.end_server(how)
        _end(self.client, how)

    def end_server(self, how: How) -> None:
        """End the server's side: by itself this tells the client."""
        if self.server is not None:
            _end(self.server, how)

    async def carry(self, incoming: asyncio.StreamReader, host: str, port: int) -> None:
        """Connect to the server and carry bytes both ways until one side ends."""
        try:
            back, self.server = await asyncio.open_connection(host, port)
        except OSError:
            _end(self.client, "rst")
            return
        if self.client.is_closing():  # cut while we were connecting
            self.end("rst")
            return
        await _first(self._pump("up", incoming, self.server), self._pump("down", back, self.client))
        self.end("fin")

    async def _pump(
        self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(ConnectionError, TimeoutError):
            while data := await reader.read(CHUNK):
                if self._swallows():
                    continue
                await self.weather.pause(len(data))
                passed = self.weather.allowed(way, len(data))
                writer.write(data[:passed])
                await writer.drain()
                if self.weather.is_cut(way):
                    self.end(self.weather.countdown_how)
                    return
        if self._swallows():  # nor is it heard that this side has ended
            await asyncio.Event().wait()

    def _swallows(self) -> bool:
        swallows = self.is_deaf or self.weather.hole
        self.has_lost = self.has_lost or swallows
        return swallows


def _end(writer: asyncio.StreamWriter, how: How) -> None:
    if how == "fin":
        writer.close()
        return
    held: socket.socket | None = writer.get_extra_info("socket")
    if held is not None and not writer.is_closing():
        with suppress(OSError):
            held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    writer.transport.abort()


async def _first(*flows: Coroutine[Any, Any, None]) -> None:
    """Run all until one has ended; the others are broken off."""
    tasks = [asyncio.create_task(flow) for flow in flows]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
