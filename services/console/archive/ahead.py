"""Reading ahead: what comes next is read while somebody waits for what was read before."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class _End:
    fault: Exception | None = None


async def ahead(items: AsyncIterator[Item], most: int) -> AsyncGenerator[Item, None]:
    """The same items in the same order, at most so many of them read before they are asked for.

    Whoever leaves early closes this generator (`contextlib.aclosing`), which closes the items.
    Raises what reading raises, after all that was read before.
    """
    read: asyncio.Queue[Item | _End] = asyncio.Queue(most)

    async def reading() -> None:
        try:
            async for item in items:
                await read.put(item)
        except Exception as fault:  # noqa: BLE001  it is raised where the items are asked for
            await read.put(_End(fault))
        else:
            await read.put(_End())

    task = asyncio.create_task(reading())
    try:
        while not isinstance(item := await read.get(), _End):
            yield item
        if item.fault is not None:
            raise item.fault
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if isinstance(items, AsyncGenerator):
            await items.aclose()
