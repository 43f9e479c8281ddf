"""A broker that is killed with a thousand messages in flight: the short form of `restart`."""

from pathlib import Path

import pytest

from tests.chaos.engine_postgres import postgres_engine
from tests.chaos.engine_rabbit import rabbit_engine
from tests.chaos.restart import run
from tests.tally import EFFECTS

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

MESSAGES = 1_000


async def test_a_broker_killed_with_messages_in_flight_costs_and_repeats_none(
    tmp_path: Path,
) -> None:
    with (
        rabbit_engine("carillon-restart-rabbit") as rabbit,
        postgres_engine("carillon-restart-postgres") as postgres,
    ):
        outcome = await run(rabbit, postgres, "killed", MESSAGES, tmp_path)

    print(outcome)  # noqa: T201  the figures of the run
    assert outcome.in_flight > MESSAGES // 2
    assert outcome.effects == dict.fromkeys(EFFECTS, MESSAGES)
    assert outcome.is_as_promised, outcome
