"""Messages in hand are remembered together, each as if it had come alone."""

import asyncio

import pytest
import sqlalchemy as sa

from services.notifier import tables
from services.notifier.handlers import handler
from shared.article import Status
from shared.errors import CarillonError
from shared.events import CloudEvent
from tests.builders import a_classification, an_article, classified
from tests.unit.notifier.kit import START, Desk, a_poll_event, an_article_event


async def _at_once(desk: Desk, *events: CloudEvent) -> list[BaseException | None]:
    handle = handler(desk.engine, desk.clock)
    return await asyncio.gather(
        *(handle(event.encode()) for event in events), return_exceptions=True
    )


async def test_messages_in_hand_are_committed_together(desk: Desk) -> None:
    commits: list[int] = []
    sa.event.listen(desk.engine.sync_engine, "commit", lambda _connection: commits.append(1))

    await _at_once(desk, *(an_article_event(n, START) for n in range(1, 20)), a_poll_event(START))

    assert len(commits) <= 2
    assert len(await desk.rows(tables.articles)) == 19
    assert len(await desk.rows(tables.polls)) == 1


async def test_one_that_the_database_cannot_hold_fails_none_of_its_neighbours(desk: Desk) -> None:
    results = await _at_once(desk, *(an_article_event(n, START) for n in (1, 2, 2**70, 3)))

    assert [isinstance(one, CarillonError) for one in results] == [False, False, True, False]
    assert sorted(row.pmid for row in await desk.rows(tables.articles)) == [1, 2, 3]
    assert len(await desk.rows(tables.inbox)) == 3


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
async def test_revisions_at_once_end_as_the_newest_and_all_count(
    desk: Desk, order: tuple[int, ...]
) -> None:
    statuses = {1: Status.PUBLISHED, 2: Status.CORRECTED, 3: Status.RETRACTED}
    first = an_article_event(9, START)  # commits alone: the others then go together

    await _at_once(
        desk,
        first,
        *(
            an_article_event(1, START, poll=f"p{n}", revision=n, status=statuses[n])
            for n in (*order, order[0])
        ),
    )

    rows = {row.pmid: row for row in await desk.rows(tables.articles)}
    assert (rows[1].revision, rows[1].status) == (3, "retracted")
    assert len(await desk.rows(tables.received)) == 4
    assert len(await desk.rows(tables.revisions)) == 4


async def test_revisions_at_once_are_remembered_in_the_order_in_which_they_came(desk: Desk) -> None:
    """The second brings each article into scope; seen before the first it would not be told."""
    outside = a_classification(scope="none", labels=())
    events: list[CloudEvent] = [a_poll_event(START)]  # commits alone: the others then go together
    for pmid in range(1, 13):
        text = an_article(pmid=pmid, title=f"Paper {pmid}, with its abstract")
        events.append(an_article_event(pmid, START, classification=outside))
        events.append(classified(article=text, revision=2, changed=("title",)))

    await _at_once(desk, *events)

    rows = await desk.rows(tables.articles)
    assert [row.revision for row in rows] == [2] * 12
    assert all(row.relevant_since == START for row in rows)
