"""A record that comes without a PMID waits until what was missing beside it has come."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.poller.tables import parked_records
from shared.database import transaction
from tests.unit.poller.fakes import FakePubMed
from tests.unit.poller.polling import announced, poll, taken


async def waiting(engine: AsyncEngine) -> list[int | None]:
    async with transaction(engine) as connection:
        rows = await connection.scalars(sa.select(parked_records.c.pmid))
        return sorted(rows, key=str)


async def test_it_goes_when_the_missing_paper_came(engine: AsyncEngine, pubmed: FakePubMed) -> None:
    whole = pubmed.records[2]
    pubmed.records[2] = whole.replace('<PMID Version="1">2</PMID>', '<PMID Version="1"></PMID>')
    first = await poll(engine, pubmed)
    assert not first.healthy
    assert await waiting(engine) == [2, None]

    await poll(engine, pubmed, days=1)
    assert await waiting(engine) == [2, None]

    pubmed.records[2] = whole
    await poll(engine, pubmed, days=2)
    healed = await poll(engine, pubmed, days=3)

    assert healed.healthy
    assert 2 in announced(await taken(engine))
    assert await waiting(engine) == []
