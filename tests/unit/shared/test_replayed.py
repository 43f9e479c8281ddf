"""Outcomes of a replay, on both databases where there is a PostgreSQL."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database import make_metadata, transaction
from shared.forgetting import forget
from shared.replayed import Outcome, Result, counts, note, outcomes_table
from tests.builders import NOON

metadata = make_metadata("classifier")
outcomes = outcomes_table(metadata)


@pytest.fixture
async def engine(database: AsyncEngine) -> AsyncEngine:
    async with database.begin() as connection:
        await connection.run_sync(metadata.create_all)
    return database


def _one(
    event_id: str, result: Result, replay_id: str = "r", handler: str = "h.v1", hop: int = 1
) -> Outcome:
    return Outcome(replay_id, event_id, handler, result, hop)


async def test_the_first_outcome_of_an_event_in_a_replay_is_the_one_that_counts(
    engine: AsyncEngine,
) -> None:
    async with transaction(engine) as connection:
        noted = await note(
            connection,
            outcomes,
            [_one("b", "processed"), _one("a", "skipped"), _one("b", "deduplicated")],
            NOON,
        )
        again = await note(
            connection,
            outcomes,
            [_one("b", "skipped"), _one("b", "skipped", "s"), _one("b", "skipped", handler="x.v1")],
            NOON,
        )
        found = await counts(connection, outcomes, "r")
        assert await note(connection, outcomes, [], NOON) == frozenset()

    assert noted == {("r", "a"), ("r", "b")}
    assert again == {("s", "b"), ("r", "b")}
    assert found == {"h.v1": {"processed": 1, "skipped": 1}, "x.v1": {"skipped": 1}}


async def test_outcomes_are_forgotten_with_age(engine: AsyncEngine) -> None:
    async with transaction(engine) as connection:
        for day in range(4):
            when = NOON + timedelta(days=day)
            await note(connection, outcomes, [_one(f"e{day}", "processed")], when)

    assert await forget(engine, outcomes, "at", NOON + timedelta(days=3), at_once=2) == 3

    async with transaction(engine) as connection:
        assert await counts(connection, outcomes, "r") == {"h.v1": {"processed": 1}}


async def test_what_was_made_of_a_replayed_event_can_be_left_out(engine: AsyncEngine) -> None:
    async with transaction(engine) as connection:
        rows = [_one("sent", "deduplicated"), _one("made", "processed", hop=2)]
        await note(connection, outcomes, rows, NOON)

        assert await counts(connection, outcomes, "r", sent=True) == {"h.v1": {"deduplicated": 1}}
        assert await counts(connection, outcomes, "r") == {
            "h.v1": {"deduplicated": 1, "processed": 1}
        }
