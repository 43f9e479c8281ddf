"""The soak in its short form: nothing grows in some thousand messages, and what does is found."""

from pathlib import Path

import pytest

from tests.chaos.soak import Plan, soak, told
from tests.chaos.soak_crew import Crew
from tests.parts import Rabbit

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]


async def test_some_minutes_of_a_busy_day_leave_nothing_behind(
    rabbit: Rabbit, amqp_url: str, postgres_url: str, tmp_path: Path
) -> None:
    plan = Plan(1_500, every=1.0, known=200, trouble_every=300, drains_within=60)

    result = await soak(plan, rabbit, Crew(tmp_path, postgres_url, amqp_url, seconds=1.0))

    assert result.is_well, told(plan, result)
    assert result.happened["broker cut off"] >= 1
    assert result.happened["database cut off"] >= 1


async def test_what_leaks_is_found(
    rabbit: Rabbit, amqp_url: str, postgres_url: str, tmp_path: Path
) -> None:
    plan = Plan(800, every=0.5, known=100, trouble_every=10_000, services=("poller", "classifier"))
    leaks = {"classifier": ("list", "task", "channel", "file")}
    crew = Crew(tmp_path, postgres_url, amqp_url, seconds=0.5, planted=leaks)

    result = await soak(plan, rabbit, crew)

    found = {(one.who, one.what) for one in result.leaks}
    assert found >= {
        ("classifier", "own"), ("classifier", "tasks"), ("classifier", "fds"),
        ("engines", "channels"),
    }, told(plan, result)  # fmt: skip
    assert not {one for one in found if one[0] == "poller"}, told(plan, result)
