"""A mail server that takes everything as fast as it comes, in a process of its own.

    python -m tests.bench.sink

It prints its port, and at the end of its input how many messages and octets it took. It speaks just
enough of RFC 5321 for a client that is polite; it must not be what a benchmark measures.
"""

import asyncio
import sys


class Sink(asyncio.Protocol):
    """One connection; `taken` counts for all."""

    def __init__(self, taken: dict[str, int]) -> None:
        self._taken = taken
        self._buffer = bytearray()
        self._is_data = False
        self._seen = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = transport
        self._say(b"220 sink")

    def data_received(self, data: bytes) -> None:
        """Answer each whole command; of a message, only its end."""
        self._buffer += data
        while self._step():
            continue

    def _step(self) -> bool:
        mark = b"\r\n.\r\n" if self._is_data else b"\r\n"
        # What was looked through is not looked through again: that would cost its square.
        end = self._buffer.find(mark, max(0, self._seen - len(mark)))
        if end < 0:
            self._seen = len(self._buffer)
            return False
        self._seen = 0
        if self._is_data:
            self._taken["messages"] += 1
            self._taken["octets"] += end + len(mark)
            self._is_data = False
            self._say(b"250 taken")
        else:
            self._command(bytes(self._buffer[:4]).upper())
        del self._buffer[: end + len(mark)]
        return True

    def _command(self, verb: bytes) -> None:
        if verb == b"DATA":
            self._is_data = True
            self._say(b"354 go on")
        elif verb == b"QUIT":
            self._say(b"221 bye")
            self._close()
        else:
            self._say(b"250-sink\r\n250 SIZE 50000000" if verb == b"EHLO" else b"250 ok")

    def _say(self, line: bytes) -> None:
        if isinstance(self._transport, asyncio.WriteTransport):
            self._transport.write(line + b"\r\n")

    def _close(self) -> None:
        self._transport.close()


async def main() -> None:
    """Serve until the input ends."""
    taken = {"messages": 0, "octets": 0}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Sink(taken), "127.0.0.1", 0)
    async with server:
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
    sys.stdout.write(f"{taken['messages']} {taken['octets']}\n")


if __name__ == "__main__":
    asyncio.run(main())
