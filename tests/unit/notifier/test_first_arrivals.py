"""Two notifiers that meet a paper for the first time at once: as if one came after the other."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from services.notifier import handlers, tables
from shared.article import Correction, Status
from shared.database import transaction
from shared.events import CloudEvent
from tests.unit.notifier.kit import START, Desk, an_article_event

HOUR = timedelta(hours=1)


def an_update_of(pmid: int) -> dict[str, Any]:
    return {"corrections": (Correction(ref_type="UpdateOf", pmid=pmid),)}


EVENTS = {
    "older": an_article_event(1, START, poll="p1", **an_update_of(7)),
    "newer": an_article_event(
        1, START + HOUR, poll="p2", revision=2, status=Status.RETRACTED, **an_update_of(8)
    ),
}


async def somebody_waits(desk: Desk) -> None:
    """Until one of the database's transactions waits for another one."""
    waits = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with asyncio.timeout(30):
        while True:
            async with transaction(desk.engine) as connection:
                if await connection.scalar(waits):
                    return
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("order", [("older", "newer"), ("newer", "older")])
async def test_two_revisions_that_first_arrive_at_once_leave_what_they_leave_in_turn(
    desk: Desk, order: tuple[str, str]
) -> None:
    first, second = (EVENTS[name] for name in order)
    desk.clock.now = START + 2 * HOUR
    if desk.engine.dialect.name == "sqlite":  # one writer at a time: they come in turn
        await desk.receive(first, second)
    else:
        async with transaction(desk.engine) as connection:
            await handlers.remember(connection, [first], desk.clock())  # type: ignore[list-item]
            late = asyncio.create_task(desk.receive(second))
            await somebody_waits(desk)
        await late

    (row,) = await desk.rows(tables.articles)
    assert (row.revision, row.status, row.discovered_at) == (2, "retracted", START)
    assert row.status_changed_at == START + HOUR
    (pair,) = await desk.rows(tables.versions)
    assert (pair.said_by, pair.earlier, pair.later) == (1, 8, 1)
    (card,) = await desk.rows(tables.cards)
    assert card.revision == 2
    assert len(await desk.rows(tables.received)) == 2


async def test_one_that_was_overtaken_among_others_is_kept_as_they_are(desk: Desk) -> None:
    """In one group: one known before, one that another notifier just meets, and a new one."""
    await desk.receive(an_article_event(2, START))
    desk.clock.now = START + 2 * HOUR
    group = (
        an_article_event(2, START + HOUR, revision=2),
        EVENTS["newer"],
        an_article_event(3, START),
    )
    if desk.engine.dialect.name == "sqlite":  # one writer at a time: they come in turn
        await desk.receive(EVENTS["older"], *group)
    else:
        async with transaction(desk.engine) as connection:
            await handlers.remember(connection, [EVENTS["older"]], desk.clock())  # type: ignore[list-item]
            late = asyncio.create_task(_together(desk, group))
            await somebody_waits(desk)
        await late

    for table in (tables.articles, tables.cards):
        assert {row.pmid: row.revision for row in await desk.rows(table)} == {1: 2, 2: 2, 3: 1}
    (pair,) = await desk.rows(tables.versions)
    assert (pair.said_by, pair.earlier, pair.later) == (1, 8, 1)
    assert len(await desk.rows(tables.revisions)) == 5


async def _together(desk: Desk, events: Sequence[CloudEvent]) -> None:
    async with transaction(desk.engine) as connection:
        await handlers.remember(connection, events, desk.clock())  # type: ignore[arg-type]
