"""Damaged answers: none crashes the poller, moves a cursor over a paper, or takes much memory.

400 in a normal run; `pytest tests/fuzz --mutations 10000` for the long form.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.poller.ask import ask
from services.poller.eutils import CHUNK, Eutils
from services.poller.ledger import is_complete
from services.poller.legs import Asked
from services.poller.parse import parse_records
from services.poller.settle import Tally, settle
from shared.errors import Permanent, Retryable
from shared.events import Leg
from tests.fuzz.mutations import DAMAGE, Mutation, mutate
from tests.fuzz.rounds import Effort, rounds
from tests.fuzz.scenes import Scene, recorded
from tests.fuzz.standin import from_standin

pytestmark = pytest.mark.timeout(3600)

NOW = datetime(2026, 9, 7, 5, tzinfo=UTC)


@pytest.fixture(scope="module", name="runner")
def _runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module", name="scenes")
def _scenes(runner: asyncio.Runner) -> list[Scene]:
    return [*runner.run(from_standin()), *recorded()]


async def _fetched(eutils: Eutils, asked: Asked) -> Tally:
    """What became of the ids, as `collect` has it."""
    tally = Tally(known=frozenset())
    pmids = sorted(asked.reasons)
    for start in range(0, len(pmids), CHUNK):
        chunk = pmids[start : start + CHUNK]
        try:
            parsed = parse_records(await eutils.fetch(chunk))
        except (Retryable, Permanent) as fault:
            tally.failed.update(dict.fromkeys(chunk, str(fault)))
            continue
        tally.understood |= {article.pmid for article in parsed.articles} & set(chunk)
        tally.parked |= {r.pmid for r in parsed.refused if r.pmid and r.raw} & set(chunk)
    return tally


async def _decide(scene: Scene, damaged: bytes) -> tuple[Asked, Leg, Tally]:
    eutils = scene.pubmed(damaged).eutils()
    asked = await ask(eutils, scene.topic, scene.plan, None, NOW)
    tally = await _fetched(eutils, asked)
    await eutils.aclose()
    return asked, settle(asked, scene.seed, tally), tally


def _check(scene: Scene, damaged: bytes, decided: tuple[Asked, Leg, Tally]) -> str:
    asked, leg, tally = decided
    if not is_complete(asked, leg):
        return f"{scene.call}: no cursor moves"
    named = set(asked.reasons)
    held = tally.understood | tally.parked | {scene.seed}
    assert named <= held, f"closed over {named - held}, of which there is no record"
    # A relation by link is asked whole each time: what is missing today is named tomorrow.
    if scene.relation == "query" and not scene.is_a_consistent_lie(damaged):
        assert scene.ids <= held, f"closed over {scene.ids - held}, which PubMed has"
    return f"{scene.call}: all is there"


def test_a_damaged_answer_moves_no_cursor_over_a_paper(
    scenes: list[Scene], runner: asyncio.Runner, mutations: int
) -> None:
    effort = Effort()

    def holds(scene: Scene, damage: list[Mutation]) -> None:
        damaged = mutate(scene.healthy, damage)
        effort.spend(lambda: _check(scene, damaged, runner.run(_decide(scene, damaged))))

    for one in rounds(mutations * 9 // 10):
        one(given(scene=st.sampled_from(scenes), damage=DAMAGE)(holds))()
    effort.check()
    assert {"esearch: all is there", "esearch: no cursor moves"} <= set(effort.outcomes)


def test_undamaged_every_scene_closes_its_leg(scenes: list[Scene], runner: asyncio.Runner) -> None:
    """Else the test above would hold for the wrong reason."""
    closable = [s for s in scenes if s.call != "esearch" or s.has_all_it_counts]

    for scene in closable:
        asked, leg, _ = runner.run(_decide(scene, scene.healthy))
        assert is_complete(asked, leg), f"{scene.name}: {leg.state}, {leg.error}"
    assert {scene.call for scene in closable} >= {"esearch", "efetch", "pubmed_pubmed"}
