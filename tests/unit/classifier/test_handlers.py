import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier.classify import CLASSIFIER_VERSION
from services.classifier.handlers import classified as told
from services.classifier.handlers import handler
from services.classifier.metrics import Metrics
from services.classifier.tables import classifications, metadata, outbox
from shared.article import Status
from shared.errors import CarillonError, Permanent
from shared.events import ArticleClassified, CloudEvent, Undecodable, decode, traceparent
from shared.placing import Handle
from tests.builders import (
    NOON,
    a_classification,
    an_article,
    classified,
    discovered,
    poll_completed,
    replayed,
    revised,
)
from tests.fakes import FakeClock
from tests.unit.classifier.reading import SHIPPED


@pytest.fixture
async def engine(database: AsyncEngine) -> AsyncEngine:
    async with database.begin() as connection:
        await connection.run_sync(metadata.create_all)
    return database


@pytest.fixture
def handle(engine: AsyncEngine) -> Handle:
    return handler(engine, SHIPPED, FakeClock(NOON))


async def published(engine: AsyncEngine) -> list[ArticleClassified]:
    async with engine.begin() as connection:
        rows = await connection.execute(sa.select(outbox.c.body).order_by(outbox.c.seq))
        events = [decode(bytes(row.body)) for row in rows]
    assert all(isinstance(event, ArticleClassified) for event in events)
    return [event for event in events if isinstance(event, ArticleClassified)]


async def stored(engine: AsyncEngine) -> list[tuple[int, str]]:
    async with engine.begin() as connection:
        rows = await connection.execute(
            sa.select(classifications.c.revision, classifications.c.scope)
        )
        return [(row.revision, row.scope) for row in rows]


async def test_a_discovered_article_is_labelled_stored_and_told(
    engine: AsyncEngine, handle: Handle
) -> None:
    cause = discovered()

    await handle(cause.encode())

    (event,) = await published(engine)
    assert event.data.classification.scope == "core"
    assert event.data.classification.taxonomy_version == SHIPPED.version
    assert event.data.classification.classifier_version == CLASSIFIER_VERSION
    assert await stored(engine) == [(1, "core")]


async def test_the_event_says_what_caused_it_and_carries_the_discovery(
    engine: AsyncEngine, handle: Handle
) -> None:
    cause = discovered(backfill=True, relatedness=0.7)

    await handle(cause.encode())

    (event,) = await published(engine)
    assert event.source == "urn:carillon:classifier:car-autoimmune"
    assert event.subject == str(cause.data.article.pmid)
    assert event.time == NOON
    assert event.causationid == cause.id
    assert event.traceparent == traceparent(event.id, cause.traceparent)
    carried = event.data.model_dump(exclude={"classification", "changed", "previous_status"})
    assert carried == cause.data.model_dump()
    assert event.data.changed == ()


async def test_a_revision_carries_what_changed_and_the_status_before(
    engine: AsyncEngine, handle: Handle
) -> None:
    retracted = an_article(status=Status.RETRACTED)
    cause = revised(article=retracted, changed=("status",), previous_status=Status.CORRECTED)

    await handle(cause.encode())

    (event,) = await published(engine)
    assert event.data.changed == ("status",)
    assert event.data.previous_status == Status.CORRECTED
    assert event.data.article.status == Status.RETRACTED


async def test_the_same_event_twice_is_told_once(engine: AsyncEngine, handle: Handle) -> None:
    await handle(discovered().encode())
    await handle(discovered().encode())

    assert len(await published(engine)) == 1


async def test_an_older_revision_after_a_newer_one_is_told_and_not_stored(
    engine: AsyncEngine, handle: Handle
) -> None:
    await handle(revised(revision=3).encode())
    await handle(revised(revision=2, article=an_article(title="Something else")).encode())

    # Told all the same: digests wait for all that a poll announced.
    assert [event.data.revision for event in await published(engine)] == [3, 2]
    assert await stored(engine) == [(3, "core")]


async def test_a_newer_revision_replaces_the_older_one(engine: AsyncEngine, handle: Handle) -> None:
    await handle(discovered().encode())
    await handle(revised(article=an_article(title="A record of the weather", abstract=())).encode())

    assert [event.data.revision for event in await published(engine)] == [1, 2]
    assert await stored(engine) == [(2, "none")]


def _about(*pmids: int) -> list[bytes]:
    return [discovered(article=an_article(pmid=pmid)).encode() for pmid in pmids]


def _commits(engine: AsyncEngine) -> list[int]:
    """Grows by one with each commit."""
    seen: list[int] = []
    sa.event.listen(engine.sync_engine, "commit", lambda _connection: seen.append(1))
    return seen


async def test_messages_in_hand_are_committed_together(engine: AsyncEngine, handle: Handle) -> None:
    commits = _commits(engine)

    await asyncio.gather(*map(handle, _about(*range(1, 21))))

    assert len(commits) <= 2
    assert sorted(e.data.article.pmid for e in await published(engine)) == list(range(1, 21))
    assert len(await stored(engine)) == 20


async def test_a_message_that_the_database_cannot_hold_fails_none_of_its_neighbours(
    engine: AsyncEngine, handle: Handle
) -> None:
    poison = 2**70
    results = await asyncio.gather(*map(handle, _about(1, 2, poison, 3, 4)), return_exceptions=True)

    assert [isinstance(result, CarillonError) for result in results] == [
        False, False, True, False, False,
    ]  # fmt: skip
    assert sorted(e.data.article.pmid for e in await published(engine)) == [1, 2, 3, 4]
    assert len(await stored(engine)) == 4


async def test_the_same_event_twice_at_once_is_told_once(
    engine: AsyncEngine, handle: Handle
) -> None:
    body = discovered().encode()

    await asyncio.gather(handle(body), handle(body), handle(body))

    assert len(await published(engine)) == 1


async def test_revisions_of_an_article_at_once_are_all_told_and_the_newest_is_stored(
    engine: AsyncEngine, handle: Handle
) -> None:
    first = discovered(article=an_article(pmid=1))
    bodies = [first, *(revised(revision=n) for n in (3, 5, 2, 4))]

    await asyncio.gather(*(handle(one.encode()) for one in bodies))

    assert sorted(e.data.revision for e in await published(engine)) == [1, 2, 3, 4, 5]
    assert sorted(await stored(engine)) == [(1, "core"), (5, "core")]


def test_the_same_cause_and_labels_give_the_same_id_and_another_taxonomy_gives_another() -> None:
    cause = discovered()
    labels = a_classification()
    newer = a_classification(taxonomy_version="2")

    assert told(cause, labels, NOON) == told(cause, labels, NOON)
    assert told(cause, newer, NOON).id != told(cause, labels, NOON).id


@pytest.mark.parametrize("event", [classified(), poll_completed()])
async def test_an_event_for_another_service_is_parked(
    engine: AsyncEngine, handle: Handle, event: CloudEvent
) -> None:
    with pytest.raises(Permanent, match="not for the classifier"):
        await handle(event.encode())

    assert await published(engine) == []


async def test_what_is_no_event_is_parked(engine: AsyncEngine, handle: Handle) -> None:
    with pytest.raises(Undecodable):
        await handle(b'{"type": "carillon.article.lost.v9"}')

    assert await published(engine) == []


async def test_labels_are_counted_once_an_article_and_never_for_a_replay(
    engine: AsyncEngine,
) -> None:
    metrics = Metrics(SHIPPED.by_key)
    handle = handler(engine, SHIPPED, FakeClock(NOON), told=metrics.classified)
    label = {"facet": "modality", "label": "cd19-car-t"}
    assert metrics.registry.get_sample_value("carillon_labels_total", label) == 0

    for event in (discovered(), discovered(), replayed(discovered(), force=True)):
        await handle(event.encode())

    assert metrics.registry.get_sample_value("carillon_labels_total", label) == 1
    (scope,) = [scope for _, scope in await stored(engine)]
    topic = {"topic": "car-autoimmune", "scope": scope}
    assert metrics.registry.get_sample_value("carillon_articles_classified_total", topic) == 1
