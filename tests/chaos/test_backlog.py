"""A backlog in its short form: memory does not follow it, and it is worked off in order."""

from pathlib import Path

import pytest

from tests.chaos.backlog import CASES, tried
from tests.chaos.soak_crew import Crew
from tests.parts import Rabbit

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

MESSAGES = 4_000
"""Some 40 MB: more than a service may grow by."""


@pytest.mark.parametrize("case", CASES)
async def test_what_waits_costs_disk_and_not_memory(
    case: str, rabbit: Rabbit, amqp_url: str, postgres_url: str, tmp_path: Path
) -> None:
    crew = Crew(tmp_path, postgres_url, amqp_url, seconds=1.0)

    drain = 60.0 if case == "broker" else 8.0
    found = await tried(case, rabbit, crew, MESSAGES, drain)

    assert found.is_well, str(found)
    if case == "broker":
        assert found.probes == (200, 503)
