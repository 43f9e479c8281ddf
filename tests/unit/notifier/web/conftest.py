"""Fixtures only; nothing is imported from here."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.notifier.kit import Desk
from tests.unit.notifier.web.kit import Site, a_site


@pytest.fixture
async def site(desk: Desk) -> AsyncIterator[Site]:
    """The pages on each kind of database."""
    made = a_site(desk)
    async with made.client:
        yield made


@pytest.fixture
async def lone(one: Desk) -> AsyncIterator[Site]:
    """The pages on SQLite alone, for what does not depend on the database."""
    made = a_site(one)
    async with made.client:
        yield made
