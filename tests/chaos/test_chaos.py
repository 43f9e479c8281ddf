"""The whole line under fire, in its short form; `make chaos` is the long one."""

from pathlib import Path

import pytest

from tests.chaos.auditor import table
from tests.chaos.run import run
from tests.chaos.stage import engines
from tests.chaos.world import Plan

SEED = 6
"""Always the same: a failure is the same for everybody. The long run draws its own."""


@pytest.mark.chaos
@pytest.mark.timeout(900)
async def test_under_fire_nothing_is_lost_and_nothing_has_a_second_effect(tmp_path: Path) -> None:
    plan = Plan(SEED, articles=300, subscriptions=20, faults=15)
    with engines(disk_mb=512) as both:
        ran = await run(plan, tmp_path, both, faster=20.0, say=print)

    told = table(ran.verdict, ran.told())
    print(f"{told}\nfiles in {tmp_path}")  # noqa: T201  shown when the test fails
    assert ran.verdict.is_good, told
    assert ran.verdict.accounted == ran.verdict.articles >= 280
    assert ran.verdict.deliveries > 500
    assert ran.faults.total() + ran.failed == 15
