"""`carillon trace` of a deployment: RabbitMQ's stream and parkings, PostgreSQL's stores."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.classifier import tables as classifier
from services.classifier.handlers import handler as classifying
from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.console.archive.publishing import Onward, opened_channel, publish_all
from services.console.stores import Stores, deployed_stores
from services.notifier import tables as notifier
from services.notifier.handlers import handler as remembering
from services.poller import tables as poller
from shared.broker import begin, consume, declare_topology, make_broker, publisher
from shared.database import transaction
from shared.errors import Permanent
from shared.events import CloudEvent
from shared.outbox import add_all, relay
from shared.topology import CLASSIFIER, NOTIFIER
from tests.builders import NOON, an_article, discovered, poll_completed
from tests.eventually import eventually
from tests.fakes import FakeClock
from tests.parts import Rabbit
from tests.unit.notifier.kit import Desk, a_subscription

pytestmark = [pytest.mark.connected, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
TOLD, PARKED, STUCK = 40000001, 40000002, 40000003


def replayed(event: CloudEvent) -> Onward:
    """As a replay gives it to a consumer's queue."""
    marked = event.model_copy(update={"replayid": "r-1", "replayhop": 1})
    return Onward(CLASSIFIER.name, event.id, getattr(event, "type"), marked.encode())  # noqa: B009


async def _lived(amqp: str, stores: Stores) -> None:
    """One paper is told to one reader of two and replayed; one is parked at the classifier."""
    clock, desk = FakeClock(NOON), Desk(stores.notifier, FakeClock(NOON))
    muting = {"muted_journals": ["J Ex"]}
    await desk.subscribe(
        a_subscription(id="sent", cadence="immediate"),
        a_subscription(id="muting", cadence="immediate", filters=muting),
    )
    classify = classifying(stores.classifier, load_taxonomy(TAXONOMY), clock)

    async def handle(body: bytes) -> None:
        if str(PARKED).encode() in body:
            raise Permanent("this test wants it parked")
        await classify(body)

    broker, publishing = make_broker(amqp), make_broker(amqp)
    consume(broker, CLASSIFIER, handle, clock, publishing)
    consume(broker, NOTIFIER, remembering(stores.notifier, clock), clock, publishing)
    await begin(publishing)
    await begin(broker)
    publish = publisher(publishing)
    found = [discovered(article=an_article(pmid=pmid)) for pmid in (TOLD, PARKED)]
    async with transaction(stores.poller) as connection:
        await add_all(connection, poller.outbox, [*found, poll_completed(announced=1)], NOON)
    await relay(stores.poller, poller.outbox, publish)

    async def arrived() -> bool:
        await relay(stores.classifier, classifier.outbox, publish)
        return len(await desk.rows(notifier.inbox)) == 2

    await eventually(arrived, within=60)
    clock.advance(minutes=20)
    desk.clock.now = desk.timer.now = clock.now
    assert await desk.deliver() == 1
    await relay(stores.notifier, notifier.outbox, publish)
    async with opened_channel(amqp) as channel:
        assert await publish_all(channel, "", [replayed(found[0])]) == [None]

    async def noted() -> bool:
        return len(await desk.rows(classifier.outcomes)) == 1

    await eventually(noted, within=60)
    async with transaction(stores.poller) as connection:
        await add_all(connection, poller.outbox, [discovered(article=an_article(pmid=STUCK))], NOON)
    await broker.stop()
    await publishing.stop()


@pytest.fixture
async def deployment(
    amqp_url: str, postgres_url: str, rabbit: Rabbit
) -> AsyncIterator[dict[str, str]]:
    await declare_topology(amqp_url)
    stores = deployed_stores(postgres_url)
    await stores.migrate()
    await _lived(amqp_url, stores)
    yield {
        "CARILLON_AMQP_URL": amqp_url,
        "CARILLON_DATABASE_URL": postgres_url,
        "CARILLON_STREAM_PORT": str(rabbit.stream_port),
    }
    await stores.close()


async def _trace(deployment: dict[str, str], pmid: int) -> tuple[int | None, dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.console", "trace", str(pmid), "--json",
        cwd=ROOT, env={"PATH": "/usr/bin:/bin", **deployment}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert b"example.org" not in said
    return process.returncode, json.loads(said)


async def test_a_deployed_life_is_told_whole_and_a_gap_is_named(deployment: dict[str, str]) -> None:
    code, told = await _trace(deployment, TOLD)
    titles = [one["title"] for one in told["moments"]]
    assert (code, told["gaps"], told["now"]) == (0, [], [])
    assert titles[:3] == [
        "Polled for car-autoimmune: complete", "Found, revision 1", "Labelled, revision 1",
    ]  # fmt: skip
    assert any(title.endswith("accepted for 1 subscription") for title in titles)
    assert "Replayed at the classifier: deduplicated" in titles
    assert [(one["ids"], one["why"]) for one in told["untold"]] == [
        (["muting"], "filtered: of a journal or author that is muted")
    ]

    code, told = await _trace(deployment, PARKED)
    titles = [one["title"] for one in told["moments"]]
    assert titles[-1] == "Parked at the classifier: permanent (attempt 1)"
    assert "carillon parked redrive" in told["now"][0]

    code, told = await _trace(deployment, STUCK)
    assert "is in the poller's outbox since 2026-09-07 12:00:00 UTC" in told["now"][0]

    code, told = await _trace(deployment, 77)
    assert (code, told["known"]) == (1, False)
    assert told["looked_at"][0].startswith("the stream of the deployment: 5 events from 2026-09-07")

    away = {**deployment, "CARILLON_AMQP_URL": "amqp://guest:guest@127.0.0.1:1/"}
    code, told = await _trace(away, TOLD)
    assert code == 1
    assert [gap["place"] for gap in told["gaps"]] == ["the archive", "the parked messages"]
    assert any("accepted for 1" in one["title"] for one in told["moments"])
