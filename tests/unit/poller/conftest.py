"""Fixtures only; nothing is imported from here."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database import make_engine
from shared.migrate import upgrade
from tests.unit.poller.fakes import SEED, FakePubMed, record
from tests.unit.poller.polling import DAY, OLD


@pytest.fixture(name="engine")
async def _engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path}/poller.db")
    await upgrade(engine, "poller")
    yield engine
    await engine.dispose()


@pytest.fixture(name="pubmed")
def _pubmed() -> FakePubMed:
    fake = FakePubMed(links={"pubmed_pubmed": [SEED, 3]})
    for pmid, entered in ((1, OLD), (2, DAY - timedelta(days=2)), (3, OLD)):
        fake.records[pmid] = record(pmid, entered=entered)
    fake.query = [2, 1]
    return fake
