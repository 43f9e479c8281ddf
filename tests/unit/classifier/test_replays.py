"""Replayed discoveries at the classifier: told with their marks, and of no effect on live ones."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier.handlers import handler
from services.classifier.tables import classifications, inbox, metadata, outbox, outcomes
from services.classifier.tidy import tidy
from shared.errors import Permanent
from shared.events import ArticleClassified, CloudEvent, decode
from shared.marks import Marks, marks_of
from shared.replayed import counts
from tests.builders import NOON, REPLAY, an_article, discovered, poll_completed, replayed, revised
from tests.fakes import FakeClock
from tests.unit.classifier.reading import SHIPPED

OTHER = "0d6a6f52-33f3-4f43-a3d2-5a3f3a1c9d02"


@pytest.fixture
async def engine(database: AsyncEngine) -> AsyncEngine:
    async with database.begin() as connection:
        await connection.run_sync(metadata.create_all)
    return database


async def _take(engine: AsyncEngine, *events: CloudEvent, taxonomy: str | None = None) -> None:
    rules = SHIPPED.model_copy(update={"version": taxonomy}) if taxonomy else SHIPPED
    handle = handler(engine, rules, FakeClock(NOON))
    for event in events:
        await handle(event.encode())


async def _told(engine: AsyncEngine) -> list[ArticleClassified]:
    async with engine.begin() as connection:
        bodies = await connection.scalars(sa.select(outbox.c.body).order_by(outbox.c.seq))
        events = [decode(bytes(body)) for body in bodies]
    return [event for event in events if isinstance(event, ArticleClassified)]


async def _rows(engine: AsyncEngine, table: sa.Table) -> Sequence[sa.Row[tuple[object, ...]]]:
    async with engine.begin() as connection:
        return (await connection.execute(sa.select(table))).all()


async def _counted(engine: AsyncEngine, replay_id: str = REPLAY) -> dict[str, int]:
    async with engine.begin() as connection:
        return (await counts(connection, outcomes, replay_id)).get("classify.v1", {})


async def test_what_was_had_is_known_again_and_nothing_is_said_of_it(engine: AsyncEngine) -> None:
    await _take(engine, discovered(), replayed(discovered()), replayed(discovered()))

    assert [marks_of(event) for event in await _told(engine)] == [None]
    assert await _counted(engine) == {"deduplicated": 1}


async def test_what_is_forced_is_told_once_per_replay_with_marks_and_an_id_of_its_own(
    engine: AsyncEngine,
) -> None:
    again = replayed(discovered(), force=True, to=("anna",))
    await _take(engine, discovered(), again, again, replayed(discovered(), OTHER, force=True))

    told = await _told(engine)
    assert [marks_of(event) for event in told] == [
        None,
        Marks(REPLAY, 2, True, ("anna",)),
        Marks(OTHER, 2, True, ()),
    ]
    assert len({event.id for event in told}) == 3
    assert {event.causationid for event in told} == {discovered().id}
    assert await _counted(engine) == {"processed": 1}


async def test_forced_labels_are_written_over_those_of_the_same_revision_only(
    engine: AsyncEngine,
) -> None:
    async def versions() -> list[tuple[int, str]]:
        rows = await _rows(engine, classifications)
        return [(row.revision, row.taxonomy_version) for row in rows]

    await _take(engine, discovered())
    await _take(engine, replayed(discovered(), force=True), taxonomy="tomorrow")
    assert await versions() == [(1, "tomorrow")]

    await _take(engine, replayed(revised(), force=True), taxonomy="later")
    assert await versions() == [(1, "tomorrow")]

    await _take(engine, revised())
    await _take(engine, replayed(discovered(), OTHER, force=True), taxonomy="later")
    assert await versions() == [(2, SHIPPED.version)]


async def test_what_no_live_event_brought_is_told_and_not_kept_so_that_it_can_still_come(
    engine: AsyncEngine,
) -> None:
    await _take(engine, replayed(discovered()))
    assert (await _rows(engine, classifications), await _rows(engine, inbox)) == ([], [])

    await _take(engine, discovered())

    assert [marks_of(event) for event in await _told(engine)] == [Marks(REPLAY, 2, False, ()), None]
    assert [row.revision for row in await _rows(engine, classifications)] == [1]
    assert await _counted(engine) == {"processed": 1}


async def test_what_the_inbox_has_forgotten_is_known_by_what_is_kept(engine: AsyncEngine) -> None:
    await _take(engine, revised())
    await tidy(engine, FakeClock(NOON + timedelta(days=91)), timedelta(days=90))

    await _take(engine, replayed(revised()), replayed(discovered()))

    assert len(await _told(engine)) == 1
    assert await _counted(engine) == {"deduplicated": 2}


async def test_live_and_replayed_events_at_one_moment_do_not_disturb_each_other(
    engine: AsyncEngine,
) -> None:
    handle = handler(engine, SHIPPED, FakeClock(NOON))
    live = [discovered(article=an_article(pmid=pmid)) for pmid in range(1, 21)]
    marked = [replayed(event, force=True) for event in live]

    await asyncio.gather(*(handle(event.encode()) for event in [*marked, *live, *marked]))

    told = await _told(engine)
    assert sorted(e.data.article.pmid for e in told if not marks_of(e)) == list(range(1, 21))
    assert sorted(e.data.article.pmid for e in told if marks_of(e)) == list(range(1, 21))
    assert len(await _rows(engine, inbox)) == 20
    assert await _counted(engine) == {"processed": 20}


async def test_a_replayed_event_that_is_not_ours_is_parked_as_a_live_one_is(
    engine: AsyncEngine,
) -> None:
    with pytest.raises(Permanent, match="not for the classifier"):
        await _take(engine, replayed(poll_completed()))
