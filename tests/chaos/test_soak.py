"""The soak in its short form: nothing grows in some thousand messages, and what does is found."""

from pathlib import Path

import pytest

from tests.chaos.soak import Plan, soak, told
from tests.chaos.soak_crew import Crew
from tests.parts import Rabbit

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]


async def test_some_minutes_of_a_busy_day_leave_nothing_behind(
    rabbit: Rabbit, amqp_url: str, postgres_url: str, tmp_path: Path
) -> None:
    # The broker is late in saying how many clients it has: they are cut off in the first half.
    plan = Plan(
        800, minutes=4, speed=0.4, every=1.0, known=200, trouble_every=300, drains_within=240,
        tolerance=3, backlog=100,
    )  # fmt: skip

    result = await soak(plan, rabbit, Crew(tmp_path, postgres_url, amqp_url, seconds=1.0))

    assert result.is_well, told(plan, result)
    assert result.happened["broker cut off"] >= 1
    assert result.happened["database cut off"] >= 1


async def test_what_leaks_is_found(
    rabbit: Rabbit, amqp_url: str, postgres_url: str, tmp_path: Path
) -> None:
    plan = Plan(
        1_500, minutes=3, speed=1, every=0.5, known=100, services=("poller", "classifier"),
        backlog=100, trouble_every=10_000, drains_within=240,
    )  # fmt: skip
    leaks = {"classifier": ("list", "task", "channel", "file")}
    crew = Crew(tmp_path, postgres_url, amqp_url, seconds=1.0, planted=leaks)

    result = await soak(plan, rabbit, crew)

    found = {(one.who, one.what) for one in result.leaks}
    assert found >= {
        ("classifier", "own"), ("classifier", "tasks"), ("classifier", "fds"),
        ("engines", "channels"),
    }, told(plan, result)  # fmt: skip
