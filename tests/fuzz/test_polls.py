"""Whole polls on a damaged answer: what one poll did not get, the next one in good health finds."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from services.ncbi_sim.generate import SEED
from services.poller.run import poll_topic
from services.poller.tables import articles, cursors, outbox, parked_records
from shared.database import make_engine, transaction
from shared.events import ArticleDiscovered, Leg, Poll, decode
from shared.migrate import upgrade
from tests.fuzz.mutations import DAMAGE, Mutation, mutate
from tests.fuzz.rounds import Effort, rounds
from tests.fuzz.scenes import counted, ids_in, topic_of
from tests.fuzz.standin import NOW, PUBMED, WANTED, Standin

pytestmark = pytest.mark.timeout(3600)

TOPIC = topic_of(SEED)
QUERIES = {"query:words", "query:words (entry date)"}
BY_QUERY = frozenset(pmid for pmid, one in PUBMED.truth.items() if "query" in one.relations)
EXISTING = frozenset(article.pmid for article in PUBMED.catalogue.articles)


@dataclass(frozen=True)
class Stage:
    """A migrated store to copy, and a stand-in whose answers are known."""

    runner: asyncio.Runner
    empty: Path
    standin: Standin


@pytest.fixture(scope="module", name="stage")
def _stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("polls")
    with asyncio.Runner() as runner:
        standin = Standin()
        runner.run(_first(folder / "empty.db", standin))
        yield Stage(runner, folder / "empty.db", standin)


async def _first(empty: Path, standin: Standin) -> None:
    """Migrate, and poll a copy once, so that the stand-in's answers are there to be damaged."""
    engine = make_engine(f"sqlite+aiosqlite:///{empty}")
    await upgrade(engine, "poller")
    await engine.dispose()
    used = empty.with_name("first.db")
    shutil.copy(empty, used)
    engine = make_engine(f"sqlite+aiosqlite:///{used}")
    poll = await _poll(engine, standin, hours=0)
    await engine.dispose()
    assert poll.healthy
    assert all(leg.state == "closed" for leg in poll.legs)


async def _poll(engine: AsyncEngine, standin: Standin, hours: int) -> Poll:
    eutils = standin.eutils()
    try:
        return await poll_topic(engine, eutils, TOPIC, lambda: NOW + timedelta(hours=hours))
    finally:
        await eutils.aclose()


@dataclass(frozen=True)
class Kept:
    """What is in the store: articles, parked records, moved cursors, and who was announced."""

    pmids: frozenset[int]
    parked: frozenset[int]
    moved: frozenset[str]
    announced: tuple[int, ...]


async def _kept(engine: AsyncEngine) -> Kept:
    async with transaction(engine) as connection:
        pmids = await connection.scalars(sa.select(articles.c.pmid))
        parked = await connection.scalars(sa.select(parked_records.c.pmid))
        moved = await connection.scalars(sa.select(cursors.c.leg))
        bodies = await connection.scalars(sa.select(outbox.c.body))
        events = [decode(bytes(body)) for body in bodies]
        return Kept(
            frozenset(pmids),
            frozenset(filter(None, parked)),
            frozenset(moved),
            tuple(int(e.subject) for e in events if isinstance(e, ArticleDiscovered)),
        )


async def _two_polls(stage: Stage, call: tuple[str, bytes], damaged: bytes) -> str:
    path = stage.empty.with_name("poll.db")
    shutil.copy(stage.empty, path)
    engine = make_engine(f"sqlite+aiosqlite:///{path}")
    try:
        stage.standin.damaged = {call: damaged}
        first = await _poll(engine, stage.standin, hours=0)
        lie = _is_a_lie(stage.standin.kept[call], damaged)
        _judge_first(await _kept(engine), lie=lie)
        stage.standin.damaged = {}
        second = await _poll(engine, stage.standin, hours=1)
        _judge_second(await _kept(engine), second.legs)
        return "first poll healthy" if first.healthy else "first poll left a leg open"
    finally:
        await engine.dispose()
        for left in path.parent.glob("poll.db*"):
            left.unlink()


def _is_a_lie(healthy: bytes, damaged: bytes) -> bool:
    """An esearch that fits itself and names other articles that exist: no client sees through it.

    The other leg of the query finds what such an answer hides, as only one of them was damaged.
    """
    if counted(healthy) is None:
        return False
    named = ids_in(damaged)
    return counted(damaged) == len(named) and named <= EXISTING


def _judge_first(kept: Kept, *, lie: bool) -> None:
    if not lie and kept.moved >= QUERIES:
        held = kept.pmids | kept.parked
        assert held >= BY_QUERY, f"the cursors moved over {BY_QUERY - held}"


def _judge_second(kept: Kept, legs: tuple[Leg, ...]) -> None:
    assert kept.pmids >= WANTED, f"never found: {WANTED - kept.pmids}"
    assert kept.pmids <= EXISTING, f"not of PubMed: {kept.pmids - EXISTING}"
    assert sorted(kept.announced) == sorted(kept.pmids), "each is announced once"
    assert [leg.error for leg in legs if leg.state == "open"] == []
    assert not kept.parked & WANTED, "parked, and readable by now"
    assert kept.moved >= QUERIES


def test_a_poll_survives_any_damage_and_the_next_one_finds_everything(
    stage: Stage, mutations: int
) -> None:
    effort = Effort()
    calls = sorted(stage.standin.kept)

    def holds(call: tuple[str, bytes], damage: list[Mutation]) -> None:
        damaged = mutate(stage.standin.kept[call], damage)
        effort.spend(lambda: stage.runner.run(_two_polls(stage, call, damaged)))

    for one in rounds(mutations // 10):
        one(given(call=st.sampled_from(calls), damage=DAMAGE)(holds))()
    effort.check(seconds=10.0)
