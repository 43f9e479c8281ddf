"""The archive forgets what is older, or more, than it is to keep; never what is still needed."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.archive import retention
from services.console.archive.embedded import read_embedded
from services.console.archive.retention import Retention, policy, prune
from services.console.bus import Bus, metadata
from shared.topology import CLASSIFIER
from tests.builders import NOON, digest_delivered, discovered
from tests.fakes import FakeClock
from tests.unit.console.archive.test_reading import all_of, outgoing


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
async def bus(sqlite: AsyncEngine, clock: FakeClock) -> Bus:
    async with sqlite.begin() as connection:
        await connection.run_sync(metadata.create_all)
    return Bus(sqlite, clock)


async def _publish(bus: Bus, *names: str) -> None:
    """Events that nobody waits for."""
    for name in names:
        await bus.publish([outgoing(digest_delivered(digest_id=name))])


async def _kept(bus: Bus) -> list[int]:
    return [entry.position for entry in await all_of(read_embedded(bus.engine))]


async def test_what_is_older_is_forgotten(
    bus: Bus, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    await _publish(bus, "a", "b", "c", "d", "e")
    clock.advance(days=10)
    await _publish(bus, "f")

    assert await prune(bus.engine, clock(), Retention(10)) == 0
    clock.advance(seconds=1)
    assert await prune(bus.engine, clock(), Retention(10)) == 5
    assert await _kept(bus) == [6]


async def test_what_is_too_much_is_forgotten_from_the_oldest_on(
    bus: Bus, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    event = digest_delivered(digest_id="x" * 200_000)
    for n in range(6):
        await bus.publish([outgoing(event.model_copy(update={"id": f"e{n}"}))])

    assert await prune(bus.engine, clock(), Retention(365, megabytes=1)) == 4
    assert await _kept(bus) == [5, 6]
    assert await prune(bus.engine, clock(), Retention(365, megabytes=1)) == 0


async def test_what_a_consumer_still_waits_for_stays(bus: Bus, clock: FakeClock) -> None:
    await bus.publish([outgoing(discovered())])
    await _publish(bus, "a")
    clock.advance(days=400)
    got: list[bytes] = []

    async def handle(body: bytes) -> None:
        got.append(body)

    assert await prune(bus.engine, clock(), Retention(365, megabytes=1)) == 1
    await bus.deliver(CLASSIFIER, handle)
    assert got == [discovered().encode()]
    assert await prune(bus.engine, clock(), Retention(365)) == 1


def test_the_policy_is_about_the_archive_alone() -> None:
    assert policy(Retention(30, 500)) == {
        "pattern": "^carillon\\.archive$",
        "definition": {"max-age": "30D", "max-length-bytes": 500_000_000},
        "apply-to": "streams",
    }
    assert policy(Retention(365))["definition"] == {"max-age": "365D"}
