"""Each kind of fault alone against a flowing line: alive meanwhile, well afterwards, nothing lost.

The ordinary run tries some of each lane; `pytest tests/chaos/test_each_fault.py --every-fault` all.
"""

import asyncio
import time
from collections.abc import Iterator

import pytest

from shared.broker import declare_topology
from shared.database import make_engine
from shared.migrate import upgrade
from tests.chaos.containers import until
from tests.chaos.engine_postgres import postgres_engine
from tests.chaos.engine_rabbit import rabbit_engine
from tests.chaos.faults import KINDS, perform
from tests.chaos.field import Field, prepared
from tests.chaos.flow import Flow, Watch, arrived, is_quiet, parked
from tests.chaos.schedule import Fault

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]

ARTICLES = 40
CARRYING = {"broker", "database", "services", "messages"}
ORDINARY = {
    "broker-cut-in-answer",
    "broker-queue-full",
    "database-read-only",
    "database-disk-full",
    "service-frozen",
    "messages-spoiled",
}
"""What an ordinary run tries; the others are in the long run and in the short one by turns."""
AWAY = {
    "broker-refused",
    "broker-stopped",
    "broker-killed",
    "database-stopped",
    "database-refused",
    "database-read-only",
}
"""What is told by readiness while it lasts."""


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    folder = tmp_path_factory.mktemp("each-fault")
    with (
        rabbit_engine() as rabbit,
        postgres_engine(disk_mb=512) as postgres,
        prepared(rabbit, postgres, folder) as where,
    ):
        asyncio.run(set_up(where))
        where.crew.hire("classifier")
        where.crew.hire("notifier")
        where.crew.await_ready()
        yield where


async def set_up(where: Field) -> None:
    engine = make_engine(where.database_url)
    for service in ("poller", "classifier", "notifier"):
        await upgrade(engine, service)
    await engine.dispose()
    await declare_topology(where.amqp_url)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """All kinds when asked for; pytest knows the option only when tests/chaos is named."""
    if "name" in metafunc.fixturenames:
        every = metafunc.config.getoption("--every-fault", default=False)
        all_of = [name for name, kind in KINDS.items() if kind.sort.lane in CARRYING]
        metafunc.parametrize("name", [n for n in all_of if every or n in ORDINARY])


def test_nothing_is_lost_and_all_is_well_after(field: Field, name: str) -> None:
    sort, before = KINDS[name].sort, parked(field)
    bugs, ends = len(field.crew.findings().bugs), len(field.crew.broken_promises())
    lasts = 8.0 if name in AWAY else min(sort.most, 3.0)

    with Watch(field) as watch, Flow(field, ARTICLES) as flow:
        time.sleep(0.3)
        done = perform(field, Fault(0, name, sort.lane, lasts, draw=1, heavy=sort.heavy))
    until(lambda: arrived(field, flow.pmids), 150, "every article has arrived")
    until(lambda: is_quiet(field), 60, "queues and outboxes are empty", pause=1)
    field.crew.await_ready(60)
    planted = len(done.detail.get("parked", []))
    # A message on its way from one quorum queue to another is, for a moment, in neither.
    until(lambda: parked(field) - before >= planted, 60, "what cannot be read is parked", pause=1)

    assert done.failed == ""
    assert parked(field) - before == planted
    assert field.crew.findings().bugs[bugs:] == ()
    assert field.crew.broken_promises()[ends:] == []
    assert watch.dead == set() or sort.lane == "services"
    assert watch.unready or name not in AWAY
