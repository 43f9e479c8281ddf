"""Reading ahead changes when something is read, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from services.console.archive.ahead import ahead


class Source:
    """Numbers, counted as they are read; it breaks or waits where it is told."""

    def __init__(self, many: int, breaks_at: int | None = None, slow: bool = False) -> None:
        self.many, self.breaks_at, self.slow = many, breaks_at, slow
        self.read, self.is_closed = 0, False

    async def items(self) -> AsyncIterator[int]:
        try:
            for number in range(self.many):
                if number == self.breaks_at:
                    raise ConnectionError("away")
                if self.slow:
                    await asyncio.sleep(0)
                self.read += 1
                yield number
        finally:
            self.is_closed = True


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("most", [1, 3, 100])
@pytest.mark.parametrize("many", [0, 1, 7])
async def test_all_come_in_their_order(many: int, most: int, slow: bool) -> None:
    source = Source(many, slow=slow)
    assert [one async for one in ahead(source.items(), most)] == list(range(many))
    assert source.is_closed


async def test_so_many_and_no_more_are_read_before_they_are_asked_for() -> None:
    source = Source(100)
    async with aclosing(ahead(source.items(), 3)) as items:
        assert await anext(items) == 0
        await asyncio.sleep(0.01)
        assert source.read == 1 + 3 + 1, "one given, three waiting, one in hand"


@pytest.mark.parametrize("breaks_at", [0, 1, 4, 6])
async def test_a_fault_comes_after_what_was_read_before_it(breaks_at: int) -> None:
    got: list[int] = []
    with pytest.raises(ConnectionError):
        async for one in ahead(Source(7, breaks_at).items(), 3):
            got.append(one)
            await asyncio.sleep(0)
    assert got == list(range(breaks_at))


async def test_who_leaves_early_ends_the_reading() -> None:
    source = Source(10_000, slow=True)
    before = asyncio.all_tasks()
    async with aclosing(ahead(source.items(), 5)) as items:
        async for _ in items:
            break
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    assert source.is_closed
    assert source.read < 20
