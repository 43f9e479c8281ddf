"""Fixtures only; nothing is imported from here."""

from collections.abc import Iterator

import pytest

from services.console.diff.spool import Spool, open_spool


@pytest.fixture
def spool() -> Iterator[Spool]:
    with open_spool() as opened:
        yield opened
