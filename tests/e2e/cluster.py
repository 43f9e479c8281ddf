"""The installation on three RabbitMQ nodes, and what can be seen of it from outside."""

import asyncio
import json
import statistics
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier import tables as notifier
from shared.database import make_engine
from tests.e2e.stack import Stack, free_ports, running
from tests.tally import archived, count, feed

NODES = ("rabbitmq", "rabbitmq-2", "rabbitmq-3")
SERVICES = ("poller", "classifier", "notifier")
FILES = ("docker-compose.yml", "deploy/compose.cluster.yml", "tests/e2e/cluster-ports.yml")
NOWHERE = "http://127.0.0.1:9/"
"""Where the poller asks for PubMed: its polls fail, and what we put into its outbox goes out."""

ON_THE_WAY = (
    "CREATE TABLE poller.confirmed (event_id text, added timestamptz, confirmed timestamptz)",
    """CREATE FUNCTION poller.note_confirmed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO poller.confirmed VALUES (OLD.event_id, OLD.created_at, clock_timestamp());
      RETURN OLD;
    END $$""",
    """CREATE TRIGGER note_confirmed AFTER DELETE ON poller.outbox
      FOR EACH ROW EXECUTE FUNCTION poller.note_confirmed()""",
)
"""A row leaves the outbox when the broker has confirmed it; this remembers when each did."""

PROBE = (
    "import http.client as h\n"
    "for path in ('/livez', '/readyz'):\n"
    "    c = h.HTTPConnection('127.0.0.1', 8080, timeout=8); c.request('GET', path)\n"
    "    print(c.getresponse().status)"
)


@dataclass(frozen=True)
class Cluster:
    """The running installation; `engine` is its database, seen from this machine."""

    stack: Stack
    engine: AsyncEngine
    fed: list[str] = field(default_factory=list)
    """Ids of the events that were put into the poller's outbox."""

    async def compose(self, *arguments: str) -> str:
        """Run a Compose command beside what else goes on."""
        return await asyncio.to_thread(self.stack.compose, *arguments)

    async def feed(self, number: int) -> None:
        """Commit so many new articles to the poller's outbox, as a poll does."""
        self.fed.extend(await feed(self.engine, len(self.fed), number))

    async def rows(self, query: sa.Executable) -> Sequence[sa.Row[Any]]:
        """What the database answers."""
        async with self.engine.connect() as connection:
            return (await connection.execute(query)).all()

    async def confirmed(self) -> set[str]:
        """Ids of what the broker has confirmed to the poller."""
        return {row.event_id for row in await self.rows(sa.text("TABLE poller.confirmed"))}

    async def told(self) -> int:
        """How many articles have come all the way to the notifier."""
        return await count(self.engine, notifier.articles)

    async def probes(self, service: str) -> list[int]:
        """The status of `/livez` and of `/readyz`."""
        said = await self.compose("exec", "-T", service, "python", "-c", PROBE)
        return [int(line) for line in said.split()]

    async def runs(self) -> dict[str, tuple[str, int]]:
        """When each service was started, and how often Docker had to do it again."""
        found = {}
        for name in SERVICES:
            container = (await self.compose("ps", "--all", "--quiet", name)).strip()
            state = json.loads(await asyncio.to_thread(_inspect, container))[0]
            found[name] = (state["State"]["StartedAt"], state["RestartCount"])
        return found

    async def ctl(self, node: str, *command: str) -> Any:
        """What a command of RabbitMQ answers on a node, as JSON."""
        answer = await self.compose("exec", "-T", node, *command, "--formatter", "json", "-q")
        return json.loads(answer)

    async def queues(self, node: str) -> dict[str, dict[str, Any]]:
        """Every queue with type, leader, members, online members and number of messages."""
        columns = ("name", "type", "leader", "members", "online", "messages")
        found = await self.ctl(node, "rabbitmqctl", "list_queues", *columns)
        return {queue["name"]: queue for queue in found}

    async def connections(self, node: str) -> list[str]:
        """The nodes that the services are connected to, one for each connection."""
        command = ("rabbitmqctl", "list_connections", "-q", "--no-table-headers", "pid")
        pids = await self.compose("exec", "-T", node, *command)
        return [pid.removeprefix("<rabbit@").split(".")[0] for pid in pids.split()]

    async def whole(self, node: str, nodes: int = 3) -> bool:
        """Whether all members of all queues are there: on so many nodes."""
        queues = await self.queues(node)
        return all(len(queue["online"]) == nodes for queue in queues.values())

    async def archived(self) -> Sequence[str]:
        """The ids of all events in the archive, in its order."""
        address = (await self.compose("port", "rabbitmq", "5672")).strip()
        return await archived(f"amqp://carillon:carillon@{address}/")

    async def waits(self, since: datetime) -> list[float]:
        """Seconds from an event's commit to the broker's confirm, for those committed since."""
        query = sa.text("SELECT added, confirmed FROM poller.confirmed WHERE added >= :since")
        rows = await self.rows(query.bindparams(since=since))
        return [(row.confirmed - row.added).total_seconds() for row in rows]


def _inspect(container: str) -> str:
    command = ["docker", "inspect", container]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def figures(waits: Sequence[float]) -> str:
    """Median, 99th percentile and longest wait, in milliseconds."""
    ordered = sorted(1000 * wait for wait in waits)
    late, last = ordered[int(0.99 * (len(ordered) - 1))], ordered[-1]
    middle = statistics.median(ordered)
    return f"{len(ordered)} events, ms: median {middle:.0f}, 99% {late:.0f}, longest {last:.0f}"


@contextmanager
def _stack(project: str, folder: Path) -> Iterator[Stack]:
    mail, rabbit, web = free_ports(3)
    env_file = folder / "env"
    settings = {
        "CARILLON_VERSION": "e2e",
        "MAILDEV_WEB_PORT": mail,
        "RABBITMQ_WEB_PORT": rabbit,
        "CARILLON_WEB_PORT": web,
        "POLLER_EUTILS_URL": NOWHERE,
    }
    env_file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    options = [option for file in FILES for option in ("-f", file)]
    stack = Stack(project, env_file, f"http://127.0.0.1:{web}", tuple(options))
    with running(stack, *SERVICES):
        yield stack


@asynccontextmanager
async def cluster(project: str, folder: Path) -> AsyncIterator[Cluster]:
    """Build and start everything on three nodes; afterwards remove it with all it knew."""
    with _stack(project, folder) as stack:
        address = stack.compose("port", "postgres", "5432").strip()
        url = f"postgresql+asyncpg://carillon:carillon@{address}/carillon"
        engine = make_engine(url)
        try:
            async with engine.begin() as connection:
                for statement in ON_THE_WAY:
                    await connection.execute(sa.text(statement))
            yield Cluster(stack, engine)
        finally:
            await engine.dispose()


@asynccontextmanager
async def a_steady_flow(
    installation: Cluster, at_once: int = 10, pause: float = 0.2, most: int = 100
) -> AsyncIterator[None]:
    """New articles all the time while the block runs; on a slow machine not more than it bears."""
    over = asyncio.Event()

    async def flow() -> None:
        while not over.is_set():
            if len(installation.fed) - await installation.told() < most:
                await installation.feed(at_once)
            await asyncio.sleep(pause)

    flowing = asyncio.create_task(flow())
    try:
        yield
    finally:
        over.set()  # not cancelled: whether its last commit was made would not be known
        await flowing
