"""Who adds to an outbox wakes its relay, and cannot forget to."""

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database import make_metadata, transaction
from shared.outbox import add, added, outbox_table, relay
from tests.builders import NOON, discovered
from tests.fakes import FakeCarrier

metadata = make_metadata("poller")
outbox = outbox_table(metadata)


@pytest.fixture
async def engine(database: AsyncEngine) -> AsyncEngine:
    async with database.begin() as connection:
        await connection.run_sync(metadata.create_all)
    return database


async def _add(engine: AsyncEngine, *ids: str) -> None:
    async with transaction(engine) as connection:
        for name in ids:
            await add(connection, outbox, discovered().model_copy(update={"id": name}), NOON)


async def test_it_rings_after_the_commit_and_then_the_event_is_there(engine: AsyncEngine) -> None:
    carrier = FakeCarrier()
    rung_inside: list[bool] = []
    with added(engine) as bell:

        async def relayed_once_rung() -> None:
            await bell.wait()
            await relay(engine, outbox, carrier.publish)

        waiting = asyncio.create_task(relayed_once_rung())
        async with transaction(engine) as connection:
            await add(connection, outbox, discovered(), NOON)
            await asyncio.sleep(0)
            rung_inside.append(bell.is_set())
        await asyncio.wait_for(waiting, timeout=10)

    assert rung_inside == [False]
    assert carrier.ids == [discovered().id]


async def test_it_rings_for_nothing_else_and_for_each_addition(engine: AsyncEngine) -> None:
    with added(engine) as bell:
        async with transaction(engine) as connection:
            await connection.execute(sa.select(outbox))
        assert not bell.is_set()
        for name in ("1", "2"):
            await _add(engine, name)
            assert bell.is_set()
            bell.clear()
            async with transaction(engine) as connection:
                await connection.execute(sa.select(outbox))  # the same connection as before
            assert not bell.is_set()


async def test_the_relay_does_not_wake_itself(engine: AsyncEngine) -> None:
    with added(engine) as bell:
        await _add(engine, "1", "2")
        bell.clear()
        assert await relay(engine, outbox, FakeCarrier(refuses={"2"}).publish) == 1

    assert not bell.is_set()


async def test_nobody_listens_after_the_end(engine: AsyncEngine) -> None:
    with added(engine) as bell:
        pass
    await _add(engine, "1")

    assert not bell.is_set()


async def test_what_failed_before_is_passed_over_when_only_what_is_fresh_is_wanted(
    engine: AsyncEngine,
) -> None:
    await _add(engine, "1", "2")
    carrier = FakeCarrier(refuses={"1", "2"})
    assert await relay(engine, outbox, carrier.publish) == 0
    carrier.refuses.clear()
    await _add(engine, "3")

    assert await relay(engine, outbox, carrier.publish, fresh=True) == 1
    assert await relay(engine, outbox, carrier.publish, fresh=True) == 0
    assert await relay(engine, outbox, carrier.publish) == 2
    assert carrier.ids == ["3", "1", "2"]


async def test_each_event_that_failed_keeps_its_own_reason(engine: AsyncEngine) -> None:
    await _add(engine, "1", "2", "3")

    async def refuse(batch: object) -> list[Exception | None]:
        return [ValueError("no one wants it"), None, KeyError("gone")]

    await relay(engine, outbox, refuse)

    async with transaction(engine) as connection:
        rows = await connection.execute(
            sa.select(outbox.c.event_id, outbox.c.attempts, outbox.c.last_error).order_by("seq")
        )
    assert [tuple(row) for row in rows] == [
        ("1", 1, "ValueError: no one wants it"),
        ("3", 1, "KeyError: 'gone'"),
    ]
