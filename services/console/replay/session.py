"""Replays begun, gone on with, paused and cancelled; one process at a time runs one of them."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.archive.recorded import Read
from services.console.replay import ending, journal, sending
from services.console.replay.journal import LEASE, Standing, Wanted
from services.console.replay.order import Order
from services.console.replay.pacing import Timer
from services.console.replay.place import Place
from services.console.replay.running import Runner, Tell
from shared.clock import Clock
from shared.database import transaction
from shared.errors import Away, ConfigurationError, Permanent, Retryable
from shared.events import ReplayEnd

LEAST = 4
"""Characters of an id that is cut short: fewer are a slip of the hand."""


@dataclass(frozen=True)
class Session:
    """One console at the replays of a place. `stopped` says whether its operator wants a pause."""

    place: Place
    clock: Clock
    stopped: Callable[[], bool] = lambda: False
    tell: Tell = lambda gone, noted: None
    timer: Timer = field(default_factory=Timer)
    holder: str = field(default_factory=lambda: str(uuid4()))

    async def begin(self, order: Order, chosen: int) -> None:
        """Put a new replay down, held by this process."""
        await self.place.ready()
        async with self._journal() as connection:
            await journal.begin(connection, order, chosen, self.holder, self.clock())

    async def claim(self, replay_id: str) -> None:
        """Take over a replay that nobody runs; one that died may seem alive for a while.

        Raises:
            Retryable: another process runs it.
            ConfigurationError: it has ended.
        """
        await self.place.ready()
        first = (await self.standing(replay_id)).held_until
        for _ in range(int(LEASE.total_seconds()) + 3):
            async with self._journal() as connection:
                if await journal.claim(connection, replay_id, self.holder, self.clock()):
                    return
            found = await self.standing(replay_id)
            if found.state in ("finished", "cancelled"):
                raise ConfigurationError(f"the replay {replay_id} has ended: it is {found.state}")
            if found.held_until != first:
                break
            await self.timer.sleep(1)
        raise Retryable(f"another process runs the replay {replay_id}: pause it there, or wait")

    async def run(self, replay_id: str, read: Read, wait: float) -> Standing:
        """Run a replay that this process holds, to its end or to where it is to stop.

        Raises what `Runner.run` raises; the replay can then be resumed.
        """
        if (await self.standing(replay_id)).wanted == "cancelled":
            return await self._end(replay_id, "cancelled")
        runner = Runner(self.place.engine, replay_id, self.holder, self.clock, self.stopped,
                        self.tell, self.timer)  # fmt: skip
        try:
            came_to = await runner.run(read, self.place.connect, self.place.outcomes, wait)
        except (Away, Permanent) as fault:
            again = f"carillon replay resume {replay_id[:8]}"
            raise type(fault)(f"{fault}; `{again}` goes on where it stands") from fault
        if came_to == "paused":
            return await self._pause(replay_id)
        return await self._end(replay_id, "finished" if came_to == "done" else "cancelled")

    async def ask(self, replay_id: str, wanted: Wanted) -> Standing:
        """Pause or cancel a replay: by the process that runs it, or here where none does.

        Raises:
            ConfigurationError: it has ended.
        """
        async with self._journal() as connection:
            await journal.ask(connection, replay_id, wanted)
            mine = await journal.claim(connection, replay_id, self.holder, self.clock())
        if not mine:
            found = await self.standing(replay_id)
            if found.state in ("finished", "cancelled"):
                raise ConfigurationError(f"the replay {replay_id} has ended: it is {found.state}")
            return found
        return await self._pause(replay_id)

    async def told(self, replay_id: str) -> Standing:
        """A replay as it is; of one that has ended, with its audit event and what came later."""
        found = await self.standing(replay_id)
        if found.finished_at is None:
            return found
        if not found.told:
            await self.place.ready()
            async with self.place.connect() as carrier:
                await ending.tell(self.place.engine, found, carrier)
        if found.unsettled:
            await ending.refresh(self.place.engine, found, self.place.outcomes)
        return await self.standing(replay_id)

    async def standing(self, name: str) -> Standing:
        """The replay of that id, or whose id begins so.

        Raises:
            ConfigurationError: there is none, or there are several.
        """
        async with self._journal() as connection:
            every = await journal.everything(connection)
        ids = {one.order.replay_id: one for one in every}
        if name in ids:
            return ids[name]
        found = [one for key, one in ids.items() if len(name) >= LEAST and key.startswith(name)]
        if len(found) != 1:
            raise ConfigurationError(f"{len(found)} replays begin with {name!r}: "
                                     "see `carillon replay list`")  # fmt: skip
        return found[0]

    async def left(self, replay_id: str, limit: int) -> list[tuple[str, str, str]]:
        """Some of what failed or is open, as `sending.left`."""
        async with self._journal() as connection:
            return await sending.left(connection, replay_id, limit)

    async def everything(self) -> list[Standing]:
        """All replays, the latest first."""
        async with self._journal() as connection:
            return await journal.everything(connection)

    async def _pause(self, replay_id: str) -> Standing:
        """Let it stand where it is, unless it is to be cancelled."""
        async with self._journal() as connection:
            wanted = await journal.keep(connection, replay_id, self.holder, self.clock())
            if wanted != "cancelled":
                await journal.leave(connection, replay_id, self.holder, state="paused")
        if wanted == "cancelled":
            return await self._end(replay_id, "cancelled")
        return await self.standing(replay_id)

    async def _end(self, replay_id: str, state: ReplayEnd) -> Standing:
        held = (replay_id, self.holder)
        await ending.end(self.place.engine, held, self.place.outcomes, state, self.clock())
        found = await self.standing(replay_id)
        async with self.place.connect() as carrier:
            await ending.tell(self.place.engine, found, carrier)
        return await self.standing(replay_id)

    def _journal(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return transaction(self.place.engine)
