"""A mail server that fails where it is told to, and keeps a log of what it took."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

Fault = tuple[str, str | None]
"""A step of the protocol and what is answered there: a line, `None` to hang up, "hang" to say
nothing, "slow" to answer as usual, but late. Steps are greeting, EHLO, STARTTLS, AUTH, MAIL, RCPT,
DATA, and two for the end of the message: "dot", before the server has it, and "kept", after."""


@dataclass
class Taken:
    """A message as a server has it."""

    recipient: str
    content: bytes


@dataclass
class FaultyServer:
    """A mail server that meets each fault once, in their order, and is sound otherwise."""

    faults: list[Fault] = field(default_factory=list)
    context: ssl.SSLContext | None = None
    taken: list[Taken] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    port: int = 0
    _calls: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def is_idle(self) -> bool:
        """Whether nobody is connected."""
        return all(call.done() for call in self._calls)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["FaultyServer"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self
        async with asyncio.timeout(5):
            await asyncio.gather(*self._calls)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            self._calls.add(task)
        with suppress(_HungUp, asyncio.IncompleteReadError, ConnectionError):
            call = _Call(self, reader, writer)
            await call.say("greeting", "220 ready")
            await call.converse()
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


@dataclass
class _Call:
    """One connection."""

    server: FaultyServer
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    recipient: str = ""
    is_plain: bool = True

    async def converse(self) -> None:
        said = {"AUTH": "235 welcome", "QUIT": "221 bye"}
        while True:
            line = (await self.reader.readuntil(b"\r\n")).decode().strip()
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                offers = "STARTTLS" if self.server.context and self.is_plain else "AUTH PLAIN"
                await self.say("EHLO", f"250-hello\r\n250 {offers}")
            elif verb == "STARTTLS":
                await self._encrypt()
            elif verb == "DATA":
                await self._take()
            else:
                self.recipient = line.partition("<")[2].partition(">")[0] or self.recipient
                await self.say(verb, said.get(verb, "250 ok"))
            if verb == "QUIT":
                return

    async def _encrypt(self) -> None:
        if await self.say("STARTTLS", "220 go") and self.server.context:
            await self.writer.start_tls(self.server.context)
            self.is_plain = False

    async def _take(self) -> None:
        if await self.say("DATA", "354 go on"):
            content = await self.reader.readuntil(b"\r\n.\r\n")
            if await self.say("dot", None):
                self.server.taken.append(Taken(self.recipient, content))
                await self.say("kept", "250 taken")

    async def say(self, step: str, usual: str | None) -> bool:
        """Answer as usual, or with the fault that is due at this step; whether it was as usual."""
        self.server.steps.append(step)
        answer, faults = usual, self.server.faults
        is_usual = not faults or faults[0][0] != step
        if not is_usual and faults[0][1] == "slow":
            faults.pop(0)
            await asyncio.sleep(0.1)
            is_usual = True
        if not is_usual:
            answer = faults.pop(0)[1]
            if answer == "hang":
                await self.reader.read()
            if answer in {None, "hang"}:
                raise _HungUp
        if answer is not None:
            self.writer.write(answer.encode() + b"\r\n")
            await self.writer.drain()
        if not is_usual and answer and answer.startswith("421"):
            raise _HungUp
        return is_usual


class _HungUp(Exception):
    """The server ends the connection."""
