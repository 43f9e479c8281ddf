import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.bus import Bus, Unroutable, archive, metadata, parked, queue
from shared.errors import Permanent, Retryable
from shared.outbox import Outgoing
from shared.topology import CLASSIFIER, NOTIFIER, RETRY_DELAYS
from tests.builders import NOON
from tests.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
async def bus(sqlite: AsyncEngine, clock: FakeClock) -> Bus:
    async with sqlite.begin() as connection:
        await connection.run_sync(metadata.create_all)
    return Bus(sqlite, clock)


def _event(key: str, event_id: str = "e1") -> Outgoing:
    return Outgoing(event_id, f"carillon.{key}.v1", key, b"{}")


async def _count(bus: Bus, table: sa.Table) -> int:
    async with bus.engine.begin() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


async def test_an_event_goes_to_those_who_want_it_and_to_the_archive(bus: Bus) -> None:
    assert await bus.publish([_event("article.discovered"), _event("digest.delivered", "e2")]) == [
        None,
        None,
    ]

    got: list[bytes] = []

    async def handle(body: bytes) -> None:
        got.append(body)

    assert await bus.deliver(NOTIFIER, handle) == 0
    assert await bus.deliver(CLASSIFIER, handle) == 1
    assert await bus.deliver(CLASSIFIER, handle) == 0
    assert got == [b"{}"]
    assert await _count(bus, archive) == 2


async def test_an_event_that_nobody_wants_is_an_error(bus: Bus) -> None:
    (fault,) = await bus.publish([_event("nothing.happened")])

    assert isinstance(fault, Unroutable)
    assert await _count(bus, archive) == 0


async def test_an_event_published_twice_is_delivered_once(bus: Bus) -> None:
    await bus.publish([_event("article.discovered")])
    await bus.publish([_event("article.discovered")])

    assert await _count(bus, queue) == 1


async def test_a_passing_fault_waits_without_holding_up_the_others(
    bus: Bus, clock: FakeClock
) -> None:
    await bus.publish([_event("article.discovered", "bad"), _event("article.discovered", "good")])
    seen: list[str] = []

    async def handle(_body: bytes) -> None:
        seen.append("try")
        if len(seen) == 1:
            raise Retryable("away")

    await bus.deliver(CLASSIFIER, handle)
    assert await bus.deliver(CLASSIFIER, handle) == 0
    clock.advance(seconds=1)
    assert await bus.deliver(CLASSIFIER, handle) == 1
    assert await _count(bus, queue) == 0


async def test_after_its_last_attempt_a_message_is_parked(bus: Bus, clock: FakeClock) -> None:
    await bus.publish([_event("article.discovered")])

    async def handle(_body: bytes) -> None:
        raise Retryable("away")

    for _ in range(len(RETRY_DELAYS) + 1):
        assert await bus.deliver(CLASSIFIER, handle) == 1
        clock.advance(hours=7)

    async with bus.engine.begin() as connection:
        row = (await connection.execute(sa.select(parked))).one()
    assert (row.reason, row.attempt, row.first_failed_at) == ("exhausted", 7, NOON)
    assert await bus.deliver(CLASSIFIER, handle) == 0


async def test_parked_messages_are_counted(bus: Bus) -> None:
    await bus.publish([_event("article.discovered")])
    assert await bus.parked() == 0

    async def handle(_body: bytes) -> None:
        raise KeyError("a bug")

    await bus.deliver(CLASSIFIER, handle)

    assert await bus.parked() == 1


async def test_a_permanent_fault_is_parked_at_once(bus: Bus) -> None:
    await bus.publish([_event("article.discovered")])

    async def handle(_body: bytes) -> None:
        raise Permanent("cannot be read")

    await bus.deliver(CLASSIFIER, handle)

    async with bus.engine.begin() as connection:
        row = (await connection.execute(sa.select(parked))).one()
    assert (row.reason, row.error) == ("permanent", "Permanent: cannot be read")


async def test_a_message_of_a_clock_that_was_ahead_is_delivered_once_that_is_put_back(
    bus: Bus, clock: FakeClock
) -> None:
    await bus.publish([_event("article.discovered")])
    clock.advance(days=-365)
    got: list[bytes] = []

    async def handle(body: bytes) -> None:
        got.append(body)

    assert await bus.deliver(CLASSIFIER, handle) == 1
    assert got == [b"{}"]
