"""Fixtures only; nothing is imported from here."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.migrate import upgrade
from tests.unit.notifier.kit import Desk


@pytest.fixture
async def desk(database: AsyncEngine) -> Desk:
    """A notifier on migrated tables, on each kind of database."""
    await upgrade(database, "notifier")
    return Desk(database)


@pytest.fixture
async def one(sqlite: AsyncEngine) -> Desk:
    """A notifier on SQLite alone, for what does not depend on the database."""
    await upgrade(sqlite, "notifier")
    return Desk(sqlite)
