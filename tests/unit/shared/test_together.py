"""Group commit: company is taken along, never waited for, and nobody fails for another."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from shared.errors import Retryable
from shared.together import Together


@dataclass
class Store:
    """Writes groups as a transaction does, all or nothing; it can be made to wait."""

    poison: frozenset[str] = frozenset()
    groups: list[list[str]] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def write_all(self, items: Sequence[str]) -> None:
        self.groups.append(list(items))
        await self.open.wait()
        for item in items:
            if item in self.poison:
                raise Retryable(f"cannot hold {item}")
        self.kept += items


async def _start(together: Together[str], *items: str) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(together.write(item)) for item in items]
    await asyncio.sleep(0)
    return tasks


async def test_who_is_alone_is_written_at_once_and_who_comes_meanwhile_goes_together() -> None:
    store = Store()
    together = Together(store.write_all)
    tasks = await _start(together, "a", "b", "c", "d")
    assert store.groups == [["a"]]

    store.open.set()
    await asyncio.gather(*tasks)

    assert store.groups == [["a"], ["b", "c", "d"]]
    assert store.kept == ["a", "b", "c", "d"]


async def test_a_group_has_a_most() -> None:
    store = Store()
    together = Together(store.write_all, most=2)
    tasks = await _start(together, "a", "b", "c", "d")
    store.open.set()
    await asyncio.gather(*tasks)

    assert store.groups == [["a"], ["b", "c"], ["d"]]


async def test_what_cannot_be_written_fails_alone_whatever_its_fault_says() -> None:
    store = Store(poison=frozenset({"c"}))
    together = Together(store.write_all)
    tasks = await _start(together, "a", "b", "c", "d")
    store.open.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert sorted(store.kept) == ["a", "b", "d"]
    assert [str(result) for result in results] == ["None", "None", "cannot hold c", "None"]


async def test_a_fault_of_one_who_is_alone_is_not_tried_twice() -> None:
    store = Store(poison=frozenset({"a"}))
    store.open.set()

    with pytest.raises(Retryable, match="cannot hold a"):
        await Together(store.write_all).write("a")

    assert store.groups == [["a"]]


@pytest.mark.parametrize("number", [0, 1, 2])
async def test_who_is_cancelled_holds_up_nobody(number: int) -> None:
    store = Store()
    together = Together(store.write_all)
    tasks = await _start(together, "a", "b", "c", "d")
    tasks[number].cancel()
    await asyncio.sleep(0)
    store.open.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    others = [item for item in "abcd" if item != "abcd"[number]]
    assert store.kept == others
    assert [type(one) for one in results].count(asyncio.CancelledError) == 1


async def test_cancelled_while_it_writes_for_others_the_others_are_written_all_the_same() -> None:
    store = Store()
    together = Together(store.write_all)
    tasks = await _start(together, "a", "b", "c", "d")
    tasks[0].cancel()
    await asyncio.gather(tasks[0], return_exceptions=True)
    await asyncio.sleep(0)
    assert store.groups == [["a"], ["b", "c", "d"]]
    tasks[1].cancel()
    store.open.set()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert store.groups[2:] == [["c", "d"]]
    assert store.kept == ["c", "d"]


async def test_nothing_is_kept_of_what_is_done() -> None:
    store = Store(poison=frozenset({"7"}))
    store.open.set()
    together = Together(store.write_all)

    await asyncio.gather(*(together.write(str(n)) for n in range(50)), return_exceptions=True)

    assert together._waiting == []
