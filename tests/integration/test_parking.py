"""What is parked is seen, with the reason, whoever parked it."""

from datetime import UTC, datetime, timedelta

import aio_pika
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from services.console.commands.embedded import _parked
from services.console.settings import Settings
from shared.broker import begin, consume, declare_topology, make_broker, publisher
from shared.errors import Away, Permanent
from shared.outbox import Outgoing
from shared.parking import ParkingWatch, parked_at
from shared.topology import CLASSIFIER, DELIVERY_LIMIT
from tests.builders import NOON
from tests.eventually import eventually
from tests.fakes import FakeClock

pytestmark = [pytest.mark.connected, pytest.mark.timeout(120)]


async def _park_one(url: str) -> None:
    async def handle(_body: bytes) -> None:
        raise Permanent("no such topic")

    broker = make_broker(url)
    consume(broker, CLASSIFIER, handle, FakeClock(NOON))
    await begin(broker)
    assert await publisher(broker)([Outgoing("e", "x", "article.discovered", b"x")]) == [None]

    async def seen() -> bool:
        return await parked_at(url, CLASSIFIER) is not None

    await eventually(seen, within=30, pause=0.3)
    await broker.stop()


async def test_parking_that_grows_is_a_number_and_one_line_in_the_log(amqp_url: str) -> None:
    await declare_topology(amqp_url)
    registry = CollectorRegistry()
    watch = ParkingWatch(amqp_url, CLASSIFIER, registry)
    labels = {"consumer": "classifier"}

    await watch.look()
    assert registry.get_sample_value("carillon_parked_messages", labels) == 0
    await _park_one(amqp_url)
    with capture_logs() as logs:
        await watch.look()
        await watch.look()

    assert [line["event"] for line in logs] == ["parking_grew"]
    assert logs[0]["oldest"] == "permanent"
    assert registry.get_sample_value("carillon_parked_messages", labels) == 1
    since = registry.get_sample_value("carillon_parked_since_timestamp_seconds", labels)
    assert since == NOON.timestamp()
    (told,), unseen = await _parked(Settings(amqp_url=amqp_url))
    assert (told.count, told.since, told.reason) == (1, NOON, "permanent")
    assert "no such topic" in told.error
    assert unseen == ""


async def test_what_the_broker_parks_by_itself_has_the_brokers_reason(amqp_url: str) -> None:
    await declare_topology(amqp_url)
    connection = await aio_pika.connect(amqp_url)
    async with connection:
        channel = await connection.channel()
        await channel.default_exchange.publish(aio_pika.Message(b"x"), CLASSIFIER.name)
        queue = await channel.declare_queue(CLASSIFIER.name, passive=True)
        for _ in range(DELIVERY_LIMIT + 1):
            message = await queue.get(timeout=5)
            assert message is not None
            await message.nack(requeue=True)

        async def seen() -> bool:
            return await parked_at(amqp_url, CLASSIFIER) is not None

        await eventually(seen, within=20, pause=0.3)

    found = await parked_at(amqp_url, CLASSIFIER)
    assert found is not None
    assert (found.count, found.reason) == (1, "delivery_limit")
    assert found.since is not None
    assert abs((found.since - datetime.now(UTC)).total_seconds()) < 600


async def test_a_broker_that_is_away_is_said_and_not_taken_for_an_empty_parking() -> None:
    url = "amqp://guest:guest@127.0.0.1:1/"
    with pytest.raises(Away):
        await parked_at(url, CLASSIFIER)
    found, unseen = await _parked(Settings(amqp_url=url))
    assert found == []
    assert "broker" in unseen


async def test_looking_again_and_again_names_the_same_oldest(amqp_url: str) -> None:
    await declare_topology(amqp_url)
    connection = await aio_pika.connect(amqp_url)
    async with connection:
        channel = await connection.channel()
        for day in range(3):
            since = (NOON + timedelta(days=day)).isoformat()
            headers = {"carillon-reason": "bug", "carillon-parked-at": since}
            message = aio_pika.Message(b"x", headers=dict(headers))
            await channel.default_exchange.publish(message, CLASSIFIER.parked)

    for _ in range(3):
        found = await parked_at(amqp_url, CLASSIFIER)
        assert found is not None
        assert (found.count, found.since) == (3, NOON)
