"""Group commit: what several handlers have ready at one moment is written in one transaction.

Nobody waits for company: who is alone commits alone, at once. While one transaction is under way
what becomes ready gathers, and the next transaction takes it along.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from shared.errors import Away

Item = TypeVar("Item")

WriteAll = Callable[[Sequence[Item]], Awaitable[None]]
"""Writes all of these in one transaction, or raises and has written none."""


@dataclass(eq=False)
class _Waiting(Generic[Item]):
    item: Item
    is_done: bool = False
    fault: Exception | None = None


@dataclass(frozen=True)
class Together(Generic[Item]):
    """Writers of one kind of thing, `most` of them in one transaction.

    It holds what its callers wait for and no more: its memory is bounded by how many there are.
    """

    write_all: WriteAll[Item]
    most: int = 50
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _waiting: list[_Waiting[Item]] = field(default_factory=list)

    async def write(self, item: Item) -> None:
        """Return when `item` is committed.

        Raises:
            Exception: whatever `write_all` raises for this item alone: the faults of others are
                their own.
        """
        own = _Waiting(item)
        self._waiting.append(own)
        try:
            async with self._turn:
                if not own.is_done:
                    await self._commit(self._waiting[: self.most])
        finally:
            if own in self._waiting:  # cancelled meanwhile
                self._waiting.remove(own)
        if own.fault:
            raise own.fault

    async def _commit(self, group: list[_Waiting[Item]]) -> None:
        """Write a group; if that fails, each alone, so that none fails for another."""
        try:
            await self.write_all([one.item for one in group])
        except Exception as fault:  # noqa: BLE001  given to whose it is
            if len(group) == 1 or isinstance(fault, Away):  # no one's fault, and each would wait
                for one in group:
                    self._done(one, fault)
            else:
                await asyncio.gather(*map(self._alone, group))
        else:
            for one in group:
                self._done(one)

    async def _alone(self, one: _Waiting[Item]) -> None:
        try:
            await self.write_all([one.item])
        except Exception as fault:  # noqa: BLE001  raised by `write`
            self._done(one, fault)
        else:
            self._done(one)

    def _done(self, one: _Waiting[Item], fault: Exception | None = None) -> None:
        one.is_done, one.fault = True, fault
        if one in self._waiting:
            self._waiting.remove(one)
