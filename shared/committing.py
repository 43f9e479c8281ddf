"""A COMMIT that waits for its standby is waited for, and never cancelled.

PostgreSQL ends the wait of a COMMIT that is cancelled, and keeps what it has on its own disk: the
client takes it for failed, tries again, finds it done, and acknowledges a message whose effect is
lost when that disk is. A time limit and a cancelled task both cancel in asyncpg's way. So a COMMIT
is waited for as long as the server says that it waits; and where it does not say so, or this
process has to go, the connection is given up without a word.
See https://www.postgresql.org/docs/17/warm-standby.html#SYNCHRONOUS-REPLICATION-HA and the
backend's `SyncRepWaitForLSN`.
"""

import asyncio
from typing import Any

import asyncpg

COMMIT = "COMMIT;"
"""As asyncpg's transactions write it."""

_FOR_EVER = 1e9
"""Seconds: a limit of asyncpg's is a cancel."""

_IS_WAITING = "SELECT wait_event = 'SyncRep' FROM pg_stat_activity WHERE pid = $1"
"""Any role sees it of its own sessions."""


async def connect(**options: Any) -> "asyncpg.Connection[asyncpg.Record]":
    """Connect as `asyncpg.connect` does; what is committed is safe where the server says so."""
    connection = await asyncpg.connect(**options, connection_class=Committing)
    connection.options = options
    return connection


class Committing(asyncpg.Connection):
    """A connection whose COMMIT ends as the server ends it, or with the connection."""

    options: dict[str, Any]
    """With which it was made, to ask about it by another one."""

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109  asyncpg's own
        """Run a command as asyncpg does, but for a COMMIT.

        Raises:
            TimeoutError: a COMMIT was not answered within the `command_timeout`, and the server
                does not say that it waits for a standby. What became of it is not known.
        """
        if query != COMMIT:
            return str(await super().execute(query, *args, timeout=timeout))
        answer = asyncio.ensure_future(super().execute(query, timeout=_FOR_EVER))
        try:
            await self._waited_for(answer)
        finally:
            if not answer.done():
                self.terminate()
                await asyncio.wait({answer})
                answer.exception()
        return str(answer.result())

    async def _waited_for(self, answer: "asyncio.Future[Any]") -> None:
        seconds = self.options.get("command_timeout")
        while not (await asyncio.wait({answer}, timeout=seconds))[0]:
            if not await self._waits_for_a_standby():
                raise TimeoutError

    async def _waits_for_a_standby(self) -> bool:
        pid = self.get_server_pid()
        try:
            other = await asyncpg.connect(**self.options)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        try:
            return bool(await other.fetchval(_IS_WAITING, pid))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        finally:
            other.terminate()
