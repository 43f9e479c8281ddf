"""Replayed events at the notifier: noted, and nothing a digest or page is made of is touched."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier import tables
from services.notifier.replays import result_of
from services.notifier.tidy import tidy
from shared.article import Status
from shared.database import transaction
from shared.errors import Permanent
from shared.events import CloudEvent
from shared.marks import Marks
from shared.replayed import Result, counts
from tests.builders import REPLAY, classified, discovered, poll_completed, replayed
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event

LIVE = tuple(t for t in tables.metadata.sorted_tables if not t.name.startswith("replay"))
"""Every table that live work writes or reads."""


@pytest.fixture
async def desk(database: AsyncEngine) -> Desk:
    async with database.begin() as connection:
        await connection.run_sync(tables.metadata.create_all)
    return Desk(database)


async def _everything(desk: Desk) -> dict[str, Sequence[sa.Row[tuple[object, ...]]]]:
    return {table.name: await desk.rows(table) for table in LIVE}


async def _counted(desk: Desk) -> dict[str, int]:
    async with transaction(desk.engine) as connection:
        return (await counts(connection, tables.outcomes, REPLAY)).get("project.v1", {})


@pytest.mark.parametrize(
    ("event", "force", "to", "had", "result"),
    [
        (classified(), False, (), True, "deduplicated"),
        (classified(), False, (), False, "skipped"),
        (classified(), True, (), True, "processed"),
        (classified(), True, (), False, "processed"),
        (classified(), False, ("anna",), True, "processed"),
        (poll_completed(), False, (), True, "deduplicated"),
        (poll_completed(), False, (), False, "skipped"),
        (poll_completed(), True, ("anna",), True, "skipped"),
    ],
)
def test_what_becomes_of_a_replayed_event(
    event: CloudEvent, force: bool, to: tuple[str, ...], had: bool, result: Result
) -> None:
    assert result_of(event, Marks(REPLAY, 1, force, to), had=had) == result  # type: ignore[arg-type]


@pytest.mark.parametrize("force", [False, True])
async def test_a_replay_writes_nothing_that_is_live(desk: Desk, force: bool) -> None:
    await desk.subscribe(a_subscription())
    live = an_article_event(1, START)
    await desk.receive(live, a_poll_event(START, announced=1))
    before = await _everything(desk)

    new = an_article_event(2, START)
    retracted = an_article_event(1, START, revision=2, status=Status.RETRACTED)
    unheard = a_poll_event(START, poll="p2", announced=7)
    for event in (live, new, retracted, unheard):
        await desk.receive(replayed(event, force=force))

    assert await _everything(desk) == before
    assert await _counted(desk) == (
        {"processed": 3, "skipped": 1} if force else {"deduplicated": 1, "skipped": 3}
    )


async def test_what_a_replay_brought_first_is_news_when_it_comes_live(desk: Desk) -> None:
    await desk.subscribe(a_subscription())
    one = an_article_event(1, START + timedelta(hours=5))
    await desk.receive(replayed(one, force=True), replayed(one, "another"))
    await desk.receive(one, a_poll_event(START + timedelta(hours=6), announced=1))

    assert await desk.at(7) == 1
    assert await desk.told() == {(1, "article")}


async def test_what_the_inbox_has_forgotten_is_known_by_history_and_polls(desk: Desk) -> None:
    events = [an_article_event(1, START), a_poll_event(START)]
    await desk.receive(*events)
    desk.clock.advance(days=91)
    await tidy(desk.engine, desk.clock, desk.timer)
    assert await desk.rows(tables.inbox) == []

    await desk.receive(*map(replayed, events))

    assert await _counted(desk) == {"deduplicated": 2}


async def test_a_replayed_event_that_is_not_ours_is_parked_as_a_live_one_is(desk: Desk) -> None:
    with pytest.raises(Permanent, match="not for the notifier"):
        await desk.receive(replayed(discovered()))
