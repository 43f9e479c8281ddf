"""The archive's tables as events fill them, on both databases."""

from datetime import timedelta
from typing import Any

import pytest

from services.notifier import tables
from services.notifier.archive import store
from services.notifier.archive.asked import Answer, read
from services.notifier.archive.fold import terms
from services.notifier.archive.shelves import Shelves
from services.notifier.archive.waiting import BATCH, index_waiting
from shared.article import Status
from shared.database import transaction
from shared.events import ArticleClassified, Reason
from tests.builders import NOON, a_classification, a_label, an_article, classified
from tests.unit.notifier.kit import Desk

TOPIC = "car-autoimmune"


def _event(pmid: int = 1, revision: int = 1, *labels: str, **changes: Any) -> ArticleClassified:
    about = {name: changes.pop(name) for name in ("reasons", "backfill") if name in changes}
    return classified(
        article=an_article(pmid=pmid, **changes),
        revision=revision,
        classification=a_classification(labels=tuple(a_label(id=x, name=x) for x in labels)),
        changed=("title",) if revision > 1 else (),
        **about,
    )


async def _labels(desk: Desk) -> list[tuple[int, str]]:
    return sorted((row.pmid, row.label) for row in await desk.rows(tables.labels))


async def _found(desk: Desk, search: str) -> list[int]:
    async with transaction(desk.engine) as connection:
        return sorted(await store.with_words(connection, TOPIC, terms(search)))


async def _answer(desk: Desk, *pairs: tuple[str, str]) -> Answer:
    return await Shelves(desk.engine).answer(TOPIC, read(pairs))


async def test_an_article_is_found_as_soon_as_it_is_kept(desk: Desk) -> None:
    await desk.receive(_event(1, 1, "cd19-car-t"), _event(2, 1, "caar-t", title="Reset of BCMA"))

    assert await _found(desk, "bcma") == [2]
    assert await _found(desk, "car-t lup") == [1, 2]
    assert await _labels(desk) == [(1, "cd19-car-t"), (2, "caar-t")]
    assert [row.indexed for row in await desk.rows(tables.articles)] == [1, 1]


async def test_a_newer_revision_replaces_and_an_older_one_changes_nothing(desk: Desk) -> None:
    first, second = _event(1, 1, "cd19-car-t"), _event(1, 2, "caar-t", title="A new title")

    await desk.receive(second, first, second)

    assert await _labels(desk) == [(1, "caar-t")]
    assert await _found(desk, "new title") == [1]
    async with transaction(desk.engine) as connection:
        steps = await store.steps(connection, TOPIC, 1)
    assert [(step.revision, step.told.changed) for step in steps] == [(1, ()), (2, ("title",))]


async def test_what_was_kept_before_the_index_is_indexed_in_steps(desk: Desk) -> None:
    events = [_event(pmid, 1, "caar-t") for pmid in range(1, BATCH + 3)]
    await desk.receive(*events)
    async with transaction(desk.engine) as connection:
        for table in (tables.cards, tables.texts, tables.labels, tables.revisions):
            await connection.execute(table.delete())
        await connection.execute(tables.articles.update().values(indexed=0))

    assert await index_waiting(desk.engine) == BATCH + 2
    assert await index_waiting(desk.engine) == 0

    assert len(await desk.rows(tables.labels)) == BATCH + 2
    assert len(await _found(desk, "lupus")) == BATCH + 2
    async with transaction(desk.engine) as connection:
        steps = await store.steps(connection, TOPIC, 7)
    assert [(step.revision, step.at) for step in steps] == [(1, NOON)]


async def test_a_history_that_is_known_gets_no_second_beginning(desk: Desk) -> None:
    await desk.receive(_event(1, 1, "caar-t"))
    async with transaction(desk.engine) as connection:
        await connection.execute(tables.articles.update().values(indexed=0))

    assert await index_waiting(desk.engine) == 1

    assert len(await desk.rows(tables.revisions)) == 1


async def test_searches_and_counts(desk: Desk) -> None:
    await desk.receive(
        _event(1, 1, "cd19-car-t", "caar-t"),
        _event(2, 1, "caar-t", publication_types=("Preprint",), title="Myositis"),
        _event(3, 1, "car-nk", status=Status.RETRACTED, reasons=(Reason(relation="cited-by"),)),
    )

    both = await _answer(desk, ("modality", "caar-t"))

    assert both.page() == [2, 1]
    assert both.counts["modality"] == {"caar-t": 2, "car-nk": 1, "cd19-car-t": 1}
    assert both.counts["kind"] == {"article": 1, "preprint": 1}
    assert (await _answer(desk, ("modality", "caar-t"), ("q", "myositis"))).page() == [2]
    assert (await _answer(desk, ("relation", "cited-by"))).page() == [3]
    assert (await _answer(desk, ("status", "retracted"))).page() == [3]
    assert (await _answer(desk, ("q", "nowhere"))).total == 0


async def test_a_shelf_is_put_up_again_when_something_has_changed(desk: Desk) -> None:
    shelves = Shelves(desk.engine)
    await desk.receive(_event(1, 1, "cd19-car-t"))
    before = await shelves.shelf(TOPIC)
    assert await shelves.shelf(TOPIC) is before

    await desk.receive(_event(1, 2, "caar-t"))

    after = await shelves.shelf(TOPIC)
    assert set(after.bits["modality"]) == {"caar-t"}
    assert await shelves.shelf(TOPIC) is after


async def test_a_topic_without_articles_is_an_empty_shelf(desk: Desk) -> None:
    found = await Shelves(desk.engine).answer("nothing", read([("modality", "caar-t")]))

    assert (found.total, found.pages, found.page()) == (0, 1, [])


@pytest.mark.parametrize(
    "search", ["100%", "a_b", "'; drop table x; --", "\\", "(((", "\x00", "😀"]
)
async def test_any_search_is_answered(desk: Desk, search: str) -> None:
    await desk.receive(_event(1, 1))

    assert (await _answer(desk, ("q", search))).total in {0, 1}


async def test_entries_come_in_the_order_asked_for(one: Desk) -> None:
    await one.receive(*(_event(pmid) for pmid in (1, 2, 3)))

    async with transaction(one.engine) as connection:
        found = await store.entries(connection, TOPIC, [3, 9, 1])

    assert [known.pmid for known in found] == [3, 1]


async def test_changes_of_status_are_found_the_last_first(desk: Desk) -> None:
    retracted = _event(1, 2, status=Status.RETRACTED)
    corrected = _event(2, 2, status=Status.CORRECTED)
    later = corrected.model_copy(update={"time": NOON + timedelta(hours=1)})
    await desk.receive(_event(1), _event(2), _event(3), retracted, later)

    async with transaction(desk.engine) as connection:
        found = await store.lately_changed(connection, TOPIC, list(Status), 10)

    assert [known.pmid for known in found] == [2, 1]


async def test_a_label_with_a_long_name_is_kept_as_far_as_it_goes(desk: Desk) -> None:
    await desk.receive(_event(1, 1, "x" * 300))

    (row,) = await desk.rows(tables.labels)
    assert (row.label, row.name) == ("x" * 64, "x" * 120)
