"""Digests recorded as sent, many in one transaction: what was accepted while the last one ran.

A server's acceptance and our record of it are two things. The time between them is the one in
which a crash means a repeat; a commit for each mail would make a queue of it. Here whoever comes
waits for the commit that is running, a moment for others to join, and the next commit.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier import claims
from services.notifier.claims import Accepted
from services.notifier.tables import outbox
from shared.clock import Clock
from shared.database import transaction
from shared.errors import Retryable
from shared.events import DigestDelivered
from shared.outbox import add_all

log = structlog.get_logger(__name__)

LINGER_SECONDS = 0.02
"""So long others may join a group: a transaction for each mail costs as much as the mail."""

PAUSES = (0.1, 0.5, 2.0)
"""Seconds between tries to record, while the database is away: a repeat is worse than a wait."""


WRITERS = 8
"""Transactions that deliver at once, on a database that takes several."""


def writers(engine: AsyncEngine) -> asyncio.Semaphore:
    """Room to write: on SQLite for one at a time, as a second one would wait by sleeping."""
    return asyncio.Semaphore(1 if engine.dialect.name == "sqlite" else WRITERS)


@dataclass(frozen=True)
class Done:
    """An accepted digest, the event that tells of it, and what that is told under in traces."""

    accepted: Accepted
    event: DigestDelivered
    by: str | None = None


@dataclass
class Recorder:
    """Records what was accepted, in groups."""

    engine: AsyncEngine
    clock: Clock
    pauses: Sequence[float] = PAUSES
    writers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(WRITERS))
    _waiting: list[tuple[Done, "asyncio.Future[bool]"]] = field(default_factory=list)
    _running: "asyncio.Task[None] | None" = None

    async def sent(self, done: Done) -> bool:
        """Return once it is on record; False when it was there already.

        Raises:
            Retryable: the database is away, and stayed away.
        """
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((done, answer))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        while self._waiting:
            await asyncio.sleep(LINGER_SECONDS)
            group, self._waiting = self._waiting, []
            results = await self._recorded([done for done, _ in group])
            for (_, answer), result in zip(group, results, strict=True):
                if answer.done():  # who waited for it is gone
                    continue
                if isinstance(result, BaseException):
                    answer.set_exception(result)
                else:
                    answer.set_result(result)

    async def _recorded(self, group: Sequence[Done]) -> list[bool | BaseException]:
        for pause in (*self.pauses, None):
            try:
                first = await self._write(group)
            except Retryable as fault:
                if pause is None:
                    return [fault] * len(group)
                log.warning("digests_not_recorded_yet", digests=len(group), reason=str(fault))
                await asyncio.sleep(pause)
            except Exception as error:  # noqa: BLE001  one of them must not hold up the others
                if len(group) > 1:
                    return [(await self._recorded([one]))[0] for one in group]
                return [error]
            else:
                return [one.accepted.digest_id in first for one in group]
        raise AssertionError("the last try returns")

    async def _write(self, group: Sequence[Done]) -> set[str]:
        now = self.clock()
        async with self.writers, transaction(self.engine) as connection:
            first = await claims.record_sent(connection, [one.accepted for one in group], now)
            events = [one.event for one in group if one.accepted.digest_id in first]
            by = {one.event.id: one.by for one in group}
            await add_all(connection, outbox, events, now, by)
        return first
