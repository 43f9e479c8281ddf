"""Killed at any point inside a transaction boundary, and started again: nothing lost or twice.

All points of the short boundaries; of the long ones every so-manieth, others each day.
`python -m tests.chaos.crash` tries them all.
"""

from collections.abc import AsyncIterator
from copy import deepcopy
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from tests.chaos.crash.boundaries import BOUNDARIES
from tests.chaos.crash.boundary import Boundary
from tests.chaos.crash.hooks import named
from tests.chaos.crash.points import Points
from tests.chaos.crash.run import try_each, try_twice, undisturbed
from tests.chaos.crash.world import World, open_world
from tests.parts import Postgres, Rabbit

MOST = 12
"""So many points of a boundary are tried here, besides two rows of two kills."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(rabbit: Rabbit, postgres: Postgres) -> AsyncIterator[World]:
    async with open_world(rabbit, postgres) as opened:
        yield opened


@pytest.mark.chaos
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("boundary", BOUNDARIES, ids=lambda one: one.name)
async def test_killed_at_any_point_and_started_again_the_result_is_the_same(
    world: World, boundary: Boundary
) -> None:
    today = datetime.now(UTC).toordinal()
    whole = await undisturbed(world, deepcopy(boundary))
    stride = max(1, len(whole.points) // MOST)
    once = await try_each(world, whole, whole.points[today % stride :: stride])
    twice = await try_twice(world, whole, seed=today, times=2)

    assert not once.problems, f"{once}, every {stride}th from {today % stride}"
    assert not twice.problems, f"{twice}, seed {today}"
    assert once.passed > once.tried // 2


def test_a_point_is_named_by_what_happens_and_how_often_it_has() -> None:
    points = Points()
    for name in ("before a publish", "before a publish", "after COMMIT of nothing"):
        points(name)

    assert points.passed == [
        "before a publish #1",
        "before a publish #2",
        "after COMMIT of nothing #1",
    ]


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("SELECT poller.outbox.seq \nFROM poller.outbox ORDER BY 1", "SELECT poller.outbox"),
        ("INSERT INTO notifier.ledger (pmid) VALUES ($1)", "INSERT notifier.ledger"),
        ("UPDATE notifier.digests SET state=$1", "UPDATE notifier.digests"),
        ("DELETE FROM poller.open_legs", "DELETE poller.open_legs"),
        ("SELECT pg_advisory_xact_lock($1)", "SELECT"),
    ],
)
def test_a_statement_is_named_by_its_verb_and_table(statement: str, name: str) -> None:
    assert named(statement) == name
