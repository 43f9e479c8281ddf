"""A bug is logged whole: with its words and its lines, and without a value that was in hand."""

import asyncio
import io
import logging
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from shared.database import make_engine
from shared.logs import configure_logging
from shared.loops import every
from shared.outcome import Park, after_failure
from tests.canaries.planted import Canary, sung

BIRD = Canary("in hand", "/")


async def _logged(
    step: Callable[[], Awaitable[object]], monkeypatch: pytest.MonkeyPatch, *, as_json: bool
) -> str:
    """What a service logs of a step that broke."""
    said, stop = io.StringIO(), asyncio.Event()
    monkeypatch.setattr(sys, "stderr", said)
    configure_logging("notifier", as_json=as_json, level=logging.DEBUG)

    async def once() -> None:
        stop.set()
        await step()

    await every("broken", 0.0, once, stop)
    return said.getvalue()


@pytest.mark.parametrize("as_json", [True, False])
async def test_a_traceback_shows_lines_and_no_values(
    as_json: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def step() -> None:
        secret, told = BIRD.secret, {"password": BIRD.secret}
        raise RuntimeError(f"a bug, with {len(secret)} letters in {len(told)} place")

    said = await _logged(step, monkeypatch, as_json=as_json)

    assert "step_failed" in said
    assert "a bug, with 29 letters" in said
    assert "test_tracebacks.py" in said
    assert sung(said, [BIRD]) == set()


PEOPLE = sa.table("people", *map(sa.column, ("id", "topic", "address")))
GIVEN = sa.bindparam("given", BIRD.address, sa.Text)
BROKEN: dict[str, sa.Executable] = {
    "a column is empty": sa.insert(PEOPLE).values(id="b", address=BIRD.address),
    "a key is there": sa.insert(PEOPLE).values(id="a", topic="t", address=BIRD.address),
    "the server cannot read it": sa.select(sa.cast(sa.cast(GIVEN, sa.Text), sa.Integer)),
    "the driver cannot write it": sa.select(sa.bindparam("given", BIRD.address, sa.Integer)),
}
"""PostgreSQL and its driver quote the row, the key or the value."""


@pytest.mark.connected
async def test_a_database_that_refuses_a_row_does_not_have_it_quoted(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_engine(postgres_url)
    made = "CREATE TABLE people (id text, topic text NOT NULL, address text PRIMARY KEY)"
    async with engine.begin() as connection:
        await connection.execute(sa.text(made))
        await connection.execute(BROKEN["a key is there"])
    for what, statement in BROKEN.items():

        async def step(statement: sa.Executable = statement) -> None:
            async with engine.begin() as connection:  # as it comes, before it is a fault of ours
                await connection.execute(statement)

        with pytest.raises(sa.exc.DBAPIError) as broke:
            await step()
        parked = after_failure(broke.value, 1, [timedelta(seconds=1)])
        assert isinstance(parked, Park), what
        assert "Error" in repr(parked), what
        told = [await _logged(step, monkeypatch, as_json=as_json) for as_json in (True, False)]
        assert all("step_failed" in one for one in told), what
        assert sung("".join([repr(parked), *told]), [BIRD]) == set(), what
    await engine.dispose()
