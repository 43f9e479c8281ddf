"""A broker that is restarted, or killed, with thousands of messages in flight.

    python -m tests.chaos.restart --messages 10000

A poller, a classifier and a notifier are at work when it happens. Printed are the times from the
broker taking connections until each consumer had its first message and until all were done, what
was delivered again, and how many effects were had twice: none.
"""

import argparse
import asyncio
import logging
import secrets
import socket
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier import tables as classifier
from services.notifier import tables as notifier
from services.poller import tables as poller
from shared.broker import declare_topology
from shared.database import make_engine, transaction
from shared.migrate import upgrade
from shared.topology import CONSUMERS
from tests.chaos.crew import Crew
from tests.chaos.engine_postgres import PostgresEngine, postgres_engine
from tests.chaos.engine_rabbit import RabbitEngine, rabbit_engine
from tests.chaos.restart_outcome import Outcome
from tests.eventually import eventually
from tests.tally import archived, count, effects, feed, told_of

INBOXES = {"classifier": classifier.inbox, "notifier": notifier.inbox}
WAYS: dict[str, Callable[[RabbitEngine], None]] = {
    "restarted": RabbitEngine.stop,
    "killed": RabbitEngine.kill,
}
"""What is done to the broker before it is started again: an orderly stop, and SIGKILL."""
NOWHERE = "http://127.0.0.1:9/"
"""Where the poller asks for PubMed: its polls fail, and what we put into its outbox goes out."""
PATIENCE_SECONDS = 3_600
"""How long a busy machine may take for all."""


@dataclass(frozen=True)
class Scene:
    """A fresh virtual host and database, with the services at work on them."""

    rabbit: RabbitEngine
    vhost: str
    engine: AsyncEngine

    @property
    def url(self) -> str:
        """The broker, as clients reach it."""
        return self.rabbit.url(self.vhost)


async def run(
    rabbit: RabbitEngine, postgres: PostgresEngine, way: str, messages: int, folder: Path
) -> Outcome:
    """Let the messages flow, take the broker away while most are in flight, and count.

    Raises:
        AssertionError: not all was done within `PATIENCE_SECONDS`.
    """
    name = f"restart-{secrets.token_hex(3)}"
    rabbit.new_vhost(name)
    postgres.new_database(name)
    database = postgres.url(name)
    scene = Scene(rabbit, name, make_engine(database))
    for schema in ("poller", "classifier", "notifier"):
        await upgrade(scene.engine, schema)
    await declare_topology(scene.url)
    try:
        with Crew(folder, _settings(database, scene.url, folder)) as crew:
            return await _under_fire(scene, way, messages, crew)
    finally:
        await scene.engine.dispose()


def _settings(database: str, url: str, folder: Path) -> dict[str, dict[str, str]]:
    shared = {"DATABASE_URL": database, "AMQP_URL": url}
    mail = {"DELIVERY": "capture", "CAPTURE_DIR": str(folder / "mail"), "WEB_PORT": "0"}
    return {
        "poller": shared | {"EUTILS_URL": NOWHERE},
        "classifier": shared,
        "notifier": shared | mail | {"SECRET_FILE": str(folder / "key")},
    }


async def _under_fire(scene: Scene, way: str, messages: int, crew: Crew) -> Outcome:
    fed = await feed(scene.engine, 0, messages)
    crew.hire("poller")
    crew.hire("notifier")
    await _come_true(lambda: _is_empty(scene, poller.outbox))
    crew.hire("classifier")  # all are in its queue by now
    await _come_true(lambda: _more_than(scene, notifier.articles, messages // 50))
    in_flight = messages - await count(scene.engine, notifier.articles)
    gone = time.monotonic()
    await asyncio.to_thread(WAYS[way], scene.rabbit)
    ready_at, ready = await _started(scene)
    back = await _first_after(scene, ready_at)
    await _come_true(lambda: _more_than(scene, notifier.articles, messages - 1))
    done = time.monotonic() - ready
    await _come_true(lambda: _nothing_left(scene))
    archive = await archived(scene.url)
    return Outcome(
        way,
        messages,
        in_flight,
        away=ready - gone,
        back=back,
        done=done,
        redelivered=await asyncio.to_thread(_redelivered, scene),
        effects=await effects(scene.engine),
        left=await _left(scene),
        missing_in_archive=len((set(fed) | await told_of(scene.engine)) - set(archive)),
        twice_in_archive=len(archive) - len(set(archive)),
    )


async def _started(scene: Scene) -> tuple[datetime, float]:
    """Start the broker; when it took a connection, by the clock and by the monotonic one."""
    starting = asyncio.create_task(asyncio.to_thread(scene.rabbit.start))
    await _come_true(partial(asyncio.to_thread, _takes_connections, scene.rabbit))
    ready_at, ready = datetime.now(UTC), time.monotonic()
    await starting
    return ready_at, ready


def _takes_connections(rabbit: RabbitEngine) -> bool:
    """Whether there is a broker at the port: Docker itself accepts before there is one."""
    try:
        with socket.create_connection(("127.0.0.1", rabbit.container.port), timeout=2) as client:
            client.sendall(b"AMQP\x00\x00\x09\x01")
            return bool(client.recv(1))
    except OSError:
        return False


async def _first_after(scene: Scene, ready_at: datetime) -> dict[str, float]:
    """Seconds until each consumer had a message that was new to it."""
    back = {}
    for name, inbox in INBOXES.items():
        first = sa.select(sa.func.min(inbox.c.received_at)).where(inbox.c.received_at > ready_at)

        async def come(query: sa.Select[Any] = first) -> bool:
            return await _value(scene, query) is not None

        await _come_true(come)
        at = await _value(scene, first)
        assert at is not None
        back[name] = (at - ready_at).total_seconds()
    return back


async def _value(scene: Scene, query: sa.Select[Any]) -> datetime | None:
    async with transaction(scene.engine) as connection:
        value: datetime | None = (await connection.execute(query)).scalar_one()
    return value


async def _is_empty(scene: Scene, table: sa.Table) -> bool:
    return not await count(scene.engine, table)


async def _more_than(scene: Scene, table: sa.Table, number: int) -> bool:
    return await count(scene.engine, table) > number


async def _left(scene: Scene) -> dict[str, int]:
    """What has not come through: in the outboxes, and in every queue of the consumers."""
    queues = await asyncio.to_thread(scene.rabbit.queues, scene.vhost)
    ours = tuple(f"{queue.name}." for queue in CONSUMERS)
    left = {name: number for name, number in queues.items() if f"{name}.".startswith(ours)}
    for name, table in (("poller", poller.outbox), ("classifier", classifier.outbox)):
        left[f"{name}'s outbox"] = await count(scene.engine, table)
    return left


async def _nothing_left(scene: Scene) -> bool:
    return not any((await _left(scene)).values())


def _redelivered(scene: Scene) -> dict[str, int]:
    """What the broker has delivered again since it was started, by queue."""
    found = {}
    for queue in CONSUMERS:
        stats = scene.rabbit.api("GET", f"queues/{scene.vhost}/{queue.name}")
        found[queue.name] = int(stats.get("message_stats", {}).get("redeliver", 0))
    return found


async def _come_true(condition: Callable[[], Awaitable[bool]]) -> None:
    await eventually(condition, within=PATIENCE_SECONDS, pause=0.2)


async def main(messages: int) -> bool:
    """Both ways; whether each was as promised."""
    logging.disable(logging.ERROR)
    with (
        rabbit_engine("carillon-restart-rabbit") as rabbit,
        postgres_engine("carillon-restart-postgres") as postgres,
        tempfile.TemporaryDirectory() as folder,
    ):
        outcomes = []
        for way in WAYS:
            outcomes.append(await run(rabbit, postgres, way, messages, Path(folder) / way))
            print(outcomes[-1], flush=True)  # noqa: T201  what it is for
    return all(outcome.is_as_promised for outcome in outcomes)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=10_000)
    raise SystemExit(0 if asyncio.run(main(parser.parse_args().messages)) else 1)
