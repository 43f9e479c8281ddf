"""The journal of replays, on both databases: one holder, and every event counted once."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.replay import journal, sending
from services.console.replay.journal import LEASE, Lost
from services.console.replay.order import Order
from services.console.replay.selection import Selection
from services.console.replay.sending import Sending
from services.console.replay.tables import replay_events
from shared.database import transaction
from shared.migrate import upgrade
from tests.builders import NOON

ID = "0c1f3f3e-0000-5000-8000-000000000004"
ORDER = Order(ID, "broker", Selection(pmids=frozenset({3, 1})), "the stream", "ada", NOON, end=9)
LATER = NOON + 2 * LEASE


@pytest.fixture
async def engine(database: AsyncEngine) -> AsyncEngine:
    await upgrade(database, "console")
    async with transaction(database) as connection:
        await journal.begin(connection, ORDER, 3, "first", NOON)
    return database


def event(name: str, consumer: str = "classifier", body: str = "1") -> Sending:
    return Sending(consumer, name, "a.type", b"{}", body)


async def advance(engine: AsyncEngine, holder: str, position: int, *events: Sending) -> None:
    async with transaction(engine) as connection:
        held = (ID, holder)
        assert await journal.advance(connection, held, (events, 0), position, NOON) is None


async def test_what_was_asked_for_is_there_again(engine: AsyncEngine) -> None:
    async with transaction(engine) as connection:
        found = await journal.standing(connection, ID, lock=True)

    assert found is not None
    assert found.order == ORDER
    assert (found.state, found.position, found.chosen, found.sent) == ("running", -1, 3, 0)
    assert found.is_running(NOON + LEASE)
    assert not found.is_running(LATER)


async def test_it_is_taken_over_when_its_lease_is_over_and_the_first_one_finds_out(
    engine: AsyncEngine,
) -> None:
    async with transaction(engine) as connection:
        assert not await journal.claim(connection, ID, "second", NOON + LEASE)
        assert await journal.claim(connection, ID, "second", LATER)
    with pytest.raises(Lost):
        await advance(engine, "first", 1, event("a"))
    await advance(engine, "second", 1, event("a"))

    async with transaction(engine) as connection:
        found = await journal.standing(connection, ID)
        assert found is not None
        assert (found.position, found.sent) == (1, 1)
        await journal.leave(connection, ID, "first", state="paused")
        found = await journal.standing(connection, ID)
        assert found is not None
        assert found.state == "running", "who holds nothing leaves nothing"


async def test_a_lease_of_a_clock_that_was_put_back_holds_nothing(engine: AsyncEngine) -> None:
    async with transaction(engine) as connection:
        assert await journal.claim(connection, ID, "second", NOON - 3 * LEASE)


async def test_an_event_counts_once_for_each_consumer(engine: AsyncEngine) -> None:
    await advance(engine, "first", 2, event("b"), event("a"), event("a", "notifier"))
    await advance(engine, "first", 4, event("a"), event("c"))

    async with transaction(engine) as connection:
        found = await journal.standing(connection, ID)
        known = await sending.known(connection, ID, {"a", "c", "z"})
    assert found is not None
    assert (found.position, found.sent) == (4, 4)
    assert known == {
        ("classifier", "a", "1"), ("notifier", "a", "1"), ("classifier", "c", "1"),
    }  # fmt: skip


async def test_what_is_left_is_named_with_what_failed_first(engine: AsyncEngine) -> None:
    await advance(engine, "first", 2, event("a"), event("b"), event("c"))
    async with transaction(engine) as connection:
        for name, outcome in (("c", "failed"), ("a", "processed")):
            await connection.execute(
                replay_events.update()
                .where(replay_events.c.event_id == name)
                .values(outcome=outcome)
            )
        assert await sending.left(connection, ID, 5) == [
            ("failed", "classifier", "c"),
            ("open", "classifier", "b"),
        ]
        assert await sending.tally(connection, ID) == {
            "classifier": {"sent": 3, "failed": 1, "processed": 1, "open": 1}
        }


async def test_what_is_wanted_is_told_to_its_holder_once_it_says_it_lives(
    engine: AsyncEngine,
) -> None:
    async with transaction(engine) as connection:
        await journal.ask(connection, ID, "paused")
        assert await journal.keep(connection, ID, "first", NOON) == "paused"
        await journal.leave(connection, ID, "first", state="paused")
        assert await journal.claim(connection, ID, "second", NOON)
        assert await journal.keep(connection, ID, "second", NOON) is None
        await journal.leave(connection, ID, "second", state="finished")
        assert not await journal.claim(connection, ID, "third", LATER)
