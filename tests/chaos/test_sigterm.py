"""SIGTERM under load, at twenty seeded moments: an end in time, and no message the worse for it."""

import asyncio
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier import tables as classifier
from services.notifier import tables as notifier
from shared.broker import declare_topology, make_broker, publisher
from shared.database import make_engine, transaction
from shared.migrate import upgrade
from shared.outbox import Outgoing
from shared.topology import CONSUMERS
from tests.builders import discovered
from tests.chaos.crew import Crew
from tests.chaos.soak_engines import Queues
from tests.eventually import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

SEED = 20261129
MOMENTS = 20
BETWEEN = 50
"""Messages that come before each moment: always more than the two classifiers have in hand."""


@pytest.fixture
def crew(tmp_path: Path, amqp_url: str, postgres_url: str) -> Iterator[Crew]:
    """Two classifiers and two notifiers, started again whenever they end."""
    engines = {"DATABASE_URL": postgres_url, "AMQP_URL": amqp_url}
    quiet = {"WEB_PORT": "0", "SECRET_FILE": str(tmp_path / "key")}
    settings = {"classifier": engines, "notifier": engines | quiet}
    with Crew(tmp_path / "logs", settings) as crew:
        yield crew


async def test_told_to_stop_at_any_moment_a_service_ends_in_time_and_nothing_is_lost_or_done_twice(
    crew: Crew, amqp_url: str, postgres_url: str
) -> None:
    engine = make_engine(postgres_url)
    for service in ("classifier", "notifier"):
        await upgrade(engine, service)
    await declare_topology(amqp_url)
    names = [*crew.hire("classifier", 2), *crew.hire("notifier", 2)]
    await asyncio.to_thread(crew.await_ready, 120.0)

    sent = await _stop_one_after_the_other(crew, names, amqp_url)

    async def done() -> bool:
        return await _effects(engine) == (sent, sent, sent, sent)

    await eventually(done, within=120, pause=0.5)
    assert await _parked(amqp_url) == 0
    await engine.dispose()
    asked = [end for end in crew.exits if end.asked == signal.SIGTERM]
    assert len(asked) == MOMENTS, f"seed {SEED}"
    assert crew.broken_promises() == [], f"seed {SEED}"
    print(f"the longest end took {max(end.seconds for end in asked):.1f} s")  # noqa: T201
    assert crew.findings().bugs == (), f"seed {SEED}"


async def _stop_one_after_the_other(crew: Crew, names: list[str], amqp_url: str) -> int:
    dice = random.Random(SEED)  # noqa: S311  to be repeated
    broker = make_broker(amqp_url)
    await broker.start()
    publish = publisher(broker)
    for moment in range(MOMENTS):
        batch = [_outgoing(moment * BETWEEN + number) for number in range(BETWEEN)]
        assert await publish(batch) == [None] * BETWEEN
        name = dice.choice(names)
        # Alive, not ready: also while it still connects. Before that Python itself ends with -15.
        await _alive(crew, name)
        await asyncio.sleep(dice.uniform(0.0, 0.6))
        await asyncio.to_thread(crew.terminate, name)
    await broker.stop()
    return MOMENTS * BETWEEN


async def _alive(crew: Crew, name: str) -> None:
    async def is_alive() -> bool:
        return await asyncio.to_thread(crew.members[name].probe, "/livez") == 200

    await eventually(is_alive, within=60)


def _outgoing(number: int) -> Outgoing:
    article = discovered().data.article.model_copy(update={"pmid": 70_000_000 + number})
    event = discovered(article=article)
    return Outgoing(event.id, event.type, event.ROUTING_KEY, event.encode())


async def _effects(engine: AsyncEngine) -> tuple[int, ...]:
    """What was classified and remembered, by rows; and what each inbox has had."""
    tables = (
        classifier.classifications, classifier.inbox, notifier.revisions, notifier.inbox,
    )  # fmt: skip
    async with transaction(engine) as connection:
        counts = [
            await connection.scalar(sa.select(sa.func.count()).select_from(table))
            for table in tables
        ]
    return tuple(count or 0 for count in counts)


async def _parked(amqp_url: str) -> int:
    queues = Queues(amqp_url)
    found = await queues.ready(queue.parked for queue in CONSUMERS)
    await queues.close()
    return sum(found.values())
