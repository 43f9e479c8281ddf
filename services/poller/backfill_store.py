"""The windows of the past in the ledger, and what the store knows of what they name. SQL only."""

from collections.abc import Collection
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.poller import store
from services.poller.backfill_windows import ClosedWindow, PastWindow
from services.poller.poll import Known, Waiting
from services.poller.tables import parked_records, windows
from shared.database import insert
from shared.events import Leg, Reason

CLOSED = "closed"


async def closed_windows(
    connection: AsyncConnection, topic: str
) -> dict[tuple[str, date], ClosedWindow]:
    """The closed windows of a topic by the leg's key and the first day."""
    rows = await connection.execute(
        sa.select(windows).where(windows.c.topic == topic, windows.c.state == CLOSED)
    )
    return {(row.leg, row.first_day): ClosedWindow(row.definition, row.last_day) for row in rows}


async def write_window(
    connection: AsyncConnection, topic: str, window: PastWindow, leg: Leg, now: datetime
) -> None:
    """Write how a window ended, in place of how it ended before."""
    values = {
        "definition": window.plan.definition,
        "last_day": window.last,
        "state": leg.state,
        "counted": leg.counted,
        "received": leg.received,
        "fetched": leg.fetched,
        "understood": leg.understood,
        "new": leg.new,
        "error": leg.error,
        "asked_at": now,
    }
    statement = insert(connection, windows).values(
        topic=topic, leg=window.plan.key, first_day=window.first, **values
    )
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["topic", "leg", "first_day"], set_=values)
    )


async def known_among(
    connection: AsyncConnection, topic: str, pmids: Collection[int]
) -> dict[int, Known]:
    """Those of the PMIDs that the topic knows, in brief."""
    entries = await store.read_entries(connection, topic, sorted(pmids))
    return {
        pmid: Known(
            reasons=entry.reasons,
            backfill=entry.backfill,
            entered_at=entry.article.entered_at,
            announced_at=entry.announced_at,
            reread_at=entry.reread_at,
        )
        for pmid, entry in entries.items()
    }


async def waiting_among(
    connection: AsyncConnection, topic: str, pmids: Collection[int]
) -> dict[int, Waiting]:
    """Those of the PMIDs whose records are parked; the first parked of each counts."""
    rows = await connection.execute(
        sa.select(parked_records.c.pmid, parked_records.c.reasons, parked_records.c.news_from)
        .where(parked_records.c.topic == topic, parked_records.c.pmid.is_not(None))
        .order_by(parked_records.c.parked_at)
    )
    waiting: dict[int, Waiting] = {}
    for row in rows:
        if row.pmid in pmids:
            reasons = tuple(Reason.model_validate(reason) for reason in row.reasons)
            waiting.setdefault(row.pmid, Waiting(reasons, row.news_from))
    return waiting
