"""The conductor moves the clock on only when all is done, whatever happens while it looks."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.awaited import awaited
from services.console.stores import Stores, embedded_stores
from services.notifier.plan import Terms, cut
from services.notifier.run import sync
from services.notifier.store import keep_poll
from services.poller import tables as poller
from services.poller.topic import Query, Topic
from shared.database import transaction
from shared.events import Poll
from tests.builders import poll_completed
from tests.unit.notifier.kit import START, a_subscription

TOPIC = Topic(
    id="car-autoimmune", title="Tiny", seed=100, query=(Query(name="core", term="car"),),
    poll_every_minutes=24 * 60,
)  # fmt: skip
NOON = START + timedelta(hours=12)


def _poll(announced: int) -> Poll:
    return poll_completed(started_at=START, finished_at=START, announced=announced).data


async def _is_cut(notifier: AsyncEngine) -> None:
    assert await cut(notifier, "reader", NOON, Terms(timedelta(hours=2))), "nothing was due"


async def _is_reported(notifier: AsyncEngine) -> None:
    async with transaction(notifier) as connection:
        await keep_poll(connection, _poll(1))


async def _polled(stores: Stores) -> None:
    await stores.migrate()
    async with transaction(stores.poller) as connection:
        one = _poll(0)
        await connection.execute(
            poller.polls.insert().values(
                poll_id=one.poll_id, topic=one.topic, started_at=one.started_at,
                finished_at=one.finished_at, healthy=True, announced=0,
            )
        )  # fmt: skip


async def _a_digest_is_due(stores: Stores) -> None:
    await _polled(stores)
    async with transaction(stores.notifier) as connection:
        await keep_poll(connection, _poll(0))
    await sync(stores.notifier, [a_subscription(when_empty="heartbeat")], lambda: START)


def _before_look(stores: Stores, number: int, happens: Callable[[], None]) -> list[int]:
    """Let something happen before the look of this number; the list has one item for each look."""
    looks: list[int] = []

    def looked(*_connection: object) -> None:
        looks.append(len(looks) + 1)
        if looks[-1] == number:
            elsewhere = threading.Thread(target=happens)
            elsewhere.start()
            elsewhere.join()

    for engine in {stores.poller, stores.classifier, stores.notifier}:
        sa.event.listen(engine.sync_engine, "checkout", looked)
    return looks


@pytest.mark.parametrize(
    ("begins", "event"),
    [(_a_digest_is_due, _is_cut), (_polled, _is_reported)],
    ids=["a digest is cut and not yet sent", "a poll is reported, its article is on the way"],
)
async def test_what_happens_between_two_looks_is_not_overlooked(
    begins: Callable[[Stores], Awaitable[None]],
    event: Callable[[AsyncEngine], Awaitable[None]],
    tmp_path: Path,
) -> None:
    for number in count(1):
        state = tmp_path / str(number)
        stores = embedded_stores(state)
        await begins(stores)

        async def happens(state: Path = state) -> None:
            other = embedded_stores(state)
            await event(other.notifier)
            await other.close()

        looks = _before_look(stores, number, lambda: asyncio.run(happens()))
        found = await awaited(stores, TOPIC, NOON)
        await stores.close()
        assert found is not None, f"overlooked before look {number}"
        if number > len(looks):
            break
    assert number > 3
