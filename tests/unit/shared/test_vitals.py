"""What every service tells of itself: its steps and its outbox."""

import time
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database import make_metadata, transaction
from shared.errors import Retryable
from shared.outbox import add, outbox_table, relay
from shared.vitals import OutboxWatch, Steps
from tests.builders import NOON, discovered
from tests.fakes import FakeCarrier

metadata = make_metadata("poller")
outbox = outbox_table(metadata)
ENDED = "carillon_step_succeeded_timestamp_seconds"


async def test_a_step_is_noted_when_it_ended_well_and_not_when_it_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, faults, registry = [1000.0], list[Exception](), CollectorRegistry()
    monkeypatch.setattr(time, "time", lambda: now[0])

    async def step() -> str:
        if faults:
            raise faults.pop()
        return "done"

    told = Steps(registry).told("deliver", step)
    assert registry.get_sample_value(ENDED, {"step": "deliver"}) == 1000
    now[0] = 1010
    assert await told() == "done"
    now[0], faults = 1020, [Retryable("away")]
    with pytest.raises(Retryable):
        await told()

    assert registry.get_sample_value(ENDED, {"step": "deliver"}) == 1010


async def test_the_outbox_says_how_many_wait_and_since_when(database: AsyncEngine) -> None:
    registry, carrier = CollectorRegistry(), FakeCarrier(refuses={"stuck"})
    async with database.begin() as connection:
        await connection.run_sync(metadata.create_all)
    watch = OutboxWatch(database, outbox, registry)

    def seen() -> tuple[float | None, float | None]:
        since = registry.get_sample_value("carillon_outbox_oldest_timestamp_seconds")
        return registry.get_sample_value("carillon_outbox_events"), since

    await watch.look()
    assert seen() == (0, 0)
    async with transaction(database) as connection:
        for number, name in enumerate(("stuck", "goes")):
            event = discovered().model_copy(update={"id": name})
            await add(connection, outbox, event, NOON + timedelta(hours=number))
    await watch.look()
    assert seen() == (2, NOON.timestamp())
    await relay(database, outbox, carrier.publish)
    await watch.look()
    assert seen() == (1, NOON.timestamp())
