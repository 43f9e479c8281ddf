"""Connections to one mail server, used again for the next message while they are sound."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic

import aiosmtplib

from services.notifier.senders.connection import Connection

IDLE_SECONDS = 10.0
"""A connection that nobody used for so long is closed; servers allow minutes (RFC 5321, 4.5.3.2.7
asks for five), and other clients want to be let in."""

MESSAGES = 100
"""So many go over one connection; common servers break off after a hundred or so."""

_FAREWELL_SECONDS = 2.0


@dataclass
class Held:
    """A connection, how many messages it has carried, and since when it has been idle."""

    wire: Connection
    messages: int = 0
    idle_since: float = 0.0

    @property
    def is_used(self) -> bool:
        """Whether it has carried a message: the server may have hung up since."""
        return self.messages > 0


@dataclass
class Pool:
    """At most `size` connections at once. One after whose use a fault is raised is closed."""

    connect: Callable[[], Awaitable[Connection]]
    size: int
    idle_seconds: float = IDLE_SECONDS
    seconds: Callable[[], float] = monotonic
    _idle: list[Held] = field(default_factory=list)
    _room: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._room = asyncio.Semaphore(self.size)

    @asynccontextmanager
    async def room(self) -> AsyncIterator[None]:
        """Wait until one more connection may be in use."""
        async with self._room:
            yield

    async def take(self, *, fresh: bool = False) -> Held:
        """A connection that is open: the one used last, or a new one. Raises as connecting does."""
        while self._idle and not fresh:
            held = self._idle.pop()
            if held.wire.is_connected and not self._is_stale(held):
                return held
            await farewell(held.wire)
        return Held(await self.connect())

    async def give_back(self, held: Held) -> None:
        """Keep a connection for the next message, if it is sound and not used up."""
        held.messages += 1
        held.idle_since = self.seconds()
        if held.wire.is_connected and held.messages < MESSAGES:
            self._idle.append(held)
        else:
            await farewell(held.wire)

    async def rest(self) -> None:
        """Close the connections that have been idle for long."""
        stale = [held for held in self._idle if self._is_stale(held)]
        self._idle = [held for held in self._idle if held not in stale]
        for held in stale:
            await farewell(held.wire)

    async def close(self) -> None:
        """Close all connections that nobody uses."""
        idle, self._idle = self._idle, []
        for held in idle:
            await farewell(held.wire)

    def _is_stale(self, held: Held) -> bool:
        return self.seconds() - held.idle_since >= self.idle_seconds


async def farewell(wire: Connection) -> None:
    """QUIT (RFC 5321, 4.1.1.10), and close whatever the server says to it."""
    with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
        if wire.is_connected:
            await asyncio.wait_for(wire.quit(), _FAREWELL_SECONDS)
    wire.close()
