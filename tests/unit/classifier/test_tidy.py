"""Which events were classified is forgotten after long; what comes again then does no harm."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier.handlers import handler
from services.classifier.tables import classifications, inbox, metadata, outbox
from services.classifier.tidy import tidy
from tests.builders import NOON, discovered, revised
from tests.fakes import FakeClock
from tests.unit.classifier.reading import SHIPPED

KEEP = timedelta(days=90)


@pytest.fixture
async def engine(sqlite: AsyncEngine) -> AsyncEngine:
    async with sqlite.begin() as connection:
        await connection.run_sync(metadata.create_all)
    return sqlite


async def _all(engine: AsyncEngine, column: sa.Column[str] | sa.Column[int]) -> list[str | int]:
    async with engine.begin() as connection:
        return list(await connection.scalars(sa.select(column)))


async def test_an_event_is_known_again_for_as_long_as_is_said(engine: AsyncEngine) -> None:
    clock = FakeClock(NOON)
    await handler(engine, SHIPPED, clock)(discovered().encode())

    clock.advance(days=90)
    assert await tidy(engine, clock, KEEP) == 0
    clock.advance(seconds=1)
    assert await tidy(engine, clock, KEEP) == 1
    assert await _all(engine, inbox.c.event_id) == []


async def test_what_comes_again_when_it_is_forgotten_overwrites_nothing_and_is_the_same_event(
    engine: AsyncEngine,
) -> None:
    clock = FakeClock(NOON)
    handle = handler(engine, SHIPPED, clock)
    await handle(discovered().encode())
    first = await _all(engine, outbox.c.event_id)
    await handle(revised().encode())
    async with engine.begin() as connection:
        await connection.execute(outbox.delete())  # published long ago
    clock.advance(days=91)
    await tidy(engine, clock, KEEP)

    await handle(discovered().encode())

    assert await _all(engine, classifications.c.revision) == [2]
    assert await _all(engine, outbox.c.event_id) == first
