"""A simulated year in small: faults of every kind, deaths at any moment, and nothing is missed.

The full size is `python -m tests.bench.year`; see docs/proof.md.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from services.ncbi_sim.generate import Generated
from shared.article import Status
from tests.bench.year import Result, simulate, table
from tests.bench.year_checks import Left, complaints
from tests.bench.year_plan import MOMENTS, Year
from tests.bench.year_standin import World

pytestmark = pytest.mark.timeout(400)

SMALL = World(seed=17, articles=400, days=40, faults=0.05, late_matches=4)
KILLS = 8


@pytest.fixture(scope="module", name="result")
def _result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("year")
    database = f"sqlite+aiosqlite:///{folder}/poller.db"
    return asyncio.run(simulate(Year(SMALL, KILLS, folder, database)))


def test_a_year_of_faults_and_deaths_misses_nothing_and_tells_each_article_once(
    result: Result,
) -> None:
    assert not result.complaints, "\n".join([*result.complaints, table(result)])


def test_in_that_year_the_poller_died_in_every_way_and_pubmed_failed_in_many(
    result: Result,
) -> None:
    assert set(result.played.kills) == set(MOMENTS)
    assert result.played.kills.total() == KILLS
    assert len(result.played.faults) >= 8
    assert sum(result.played.requests.values()) > 200
    assert {one.status for one in result.year.world.pubmed().truth.values()} == set(Status)


def _without(things: Any, number: int = 0) -> list[Any]:
    return [thing for place, thing in enumerate(things) if place != number]


def _lost(left: Left) -> Left:
    pmid = next(iter(left.articles))
    return replace(left, articles={p: row for p, row in left.articles.items() if p != pmid})


DAMAGES: dict[str, Callable[[Left], Left]] = {
    "were missed": _lost,
    "never announced": lambda left: replace(left, discovered=_without(left.discovered)),
    "more than once": lambda left: replace(
        left,
        discovered=[*left.discovered, left.discovered[0].model_copy(update={"id": "another"})],
    ),
    "told were": lambda left: replace(left, revised=_without(left.revised)),
    "ended without an event": lambda left: replace(left, completed=frozenset()),
    "in the outbox": lambda left: replace(left, waiting=1),
    "not healthy": lambda left: replace(left, legs=[]),
    "ended before": lambda left: replace(left, polls=left.polls[::-1]),
}


@pytest.mark.parametrize("complaint", sorted(DAMAGES))
def test_the_judge_sees_what_is_wrong(result: Result, complaint: str) -> None:
    pubmed: Generated = result.year.world.pubmed()

    assert any(complaint in one for one in complaints(DAMAGES[complaint](result.left), pubmed))
