"""An HTTP endpoint that fails where it is told to, and keeps a log of what it took."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

HANG, CUT_EARLY, CUT_ANSWER, CUT_STATUS, GARBAGE = (
    "hang", "cut before reading", "cut before the answer", "cut in the status", "garbage",
)  # fmt: skip
"""Faults that are no answer; any other is an `Answer`."""


@dataclass(frozen=True)
class Answer:
    """A status with its text. `promised` octets are announced, more than come if it is larger."""

    status: int
    text: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    promised: int | None = None

    def bytes(self) -> bytes:
        length = len(self.text) if self.promised is None else self.promised
        named = [*self.headers, ("Content-Length", str(length)), ("Content-Type", "text/plain")]
        head = "".join(f"{name}: {value}\r\n" for name, value in named)
        return f"HTTP/1.1 {self.status} X\r\n{head}\r\n{self.text}".encode()


OK = Answer(200, "ok")


@dataclass(frozen=True)
class Call:
    """A request as it came, and whether it was answered with a 2xx."""

    path: str
    headers: dict[str, str]
    body: bytes
    is_taken: bool


@dataclass
class HookServer:
    """Meets each fault once, in their order, and takes everything else."""

    faults: list[Answer | str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    port: int = 0
    connections: int = 0
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def taken(self) -> list[Call]:
        return [call for call in self.calls if call.is_taken]

    @asynccontextmanager
    async def running(self) -> AsyncIterator["HookServer"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self
        async with asyncio.timeout(5):
            await asyncio.gather(*self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        if task:
            self._tasks.add(task)
        fault = self.faults.pop(0) if self.faults else OK
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            if fault != CUT_EARLY:
                await self._answer(reader, writer, fault)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Answer | str
    ) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        is_taken = isinstance(fault, Answer) and 200 <= fault.status < 300
        self.calls.append(Call(first.split(" ")[1], headers, body, is_taken))
        if isinstance(fault, Answer):
            writer.write(fault.bytes())
        elif fault == CUT_STATUS:
            writer.write(b"HTTP/1.1 20")
        elif fault == GARBAGE:
            writer.write(b"\x00\x01 not HTTP at all\r\n\r\n")
        elif fault == HANG:
            await reader.read()
        await writer.drain()
