"""The installation on several nodes, for real readers, and what can be seen of it from outside."""

import asyncio
import json
import statistics
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier import tables as notifier
from shared.database import make_engine
from tests.e2e.production import BESIDE, Production, Walked, walk
from tests.e2e.stack import free_ports
from tests.e2e.walk import PAGE, Step, steps
from tests.tally import archived, count, effects, feed

NODES = ("rabbitmq", "rabbitmq-2", "rabbitmq-3")
SERVICES = ("poller", "classifier", "notifier")
PROJECT = "carillon-e2e-cluster"
REPLICAS = (1, 2)
FOUR = (
    "docker-compose.yml:deploy/compose.cluster.yml:deploy/compose.prod.yml:"
    "deploy/compose.prod-cluster.yml"
)
INSTEAD = {
    f"COMPOSE_FILE={FOUR}\n": f"COMPOSE_FILE={FOUR}:{BESIDE}:tests/e2e/cluster-ports.yml\n",
    "carillon_postgres": f"{PROJECT}_postgres",
}
SECTION = "More than one node"
"""The heading in docs/deploy.md, whose steps come between the first and the second."""

ON_THE_WAY = (
    "CREATE TABLE poller.confirmed (event_id text, added timestamptz, confirmed timestamptz)",
    """CREATE FUNCTION poller.note_confirmed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
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

    walked: Walked
    engine: AsyncEngine
    before: dict[str, int] = field(default_factory=dict)
    """What the services had of PubMed's articles before any was fed."""
    fed: list[str] = field(default_factory=list)
    """Ids of the events that were put into the poller's outbox."""

    @property
    def stack(self) -> Production:
        """What was walked to."""
        return self.walked.stack

    async def type(self, step: Step) -> None:
        """Walk on, by a step of docs/cluster.md."""
        await asyncio.to_thread(self.walked.shell.take, step)

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
        found = await count(self.engine, notifier.articles)
        return found - self.before.get("told to the notifier", 0)

    async def effects(self) -> dict[str, int]:
        """How many effects the articles had that were fed, of each kind."""
        found = await effects(self.engine)
        return {name: number - self.before.get(name, 0) for name, number in found.items()}

    async def has_a_follower(self) -> bool:
        """Whether the database that takes writes waits for the other one with each commit."""
        query = sa.text("SELECT sync_state FROM pg_stat_replication")
        return [row.sync_state for row in await self.rows(query)] == ["sync"]

    async def probes(self) -> set[tuple[int, ...]]:
        """The status of `/livez` and of `/readyz` at each service's replicas."""
        asked = [
            self.compose("exec", "-T", "--index", str(n), service, "python", "-c", PROBE)
            for service, n in product(SERVICES, REPLICAS)
        ]
        return {tuple(map(int, said.split())) for said in await asyncio.gather(*asked)}

    async def runs(self) -> dict[str, tuple[str, int]]:
        """When each container of a service was started, and how often Docker had to do it again."""
        containers = (await self.compose("ps", "--all", "--quiet", *SERVICES)).split()
        assert len(containers) == len(SERVICES) * len(REPLICAS)
        found = json.loads(await asyncio.to_thread(_inspect, containers))
        return {one["Name"]: (one["State"]["StartedAt"], one["RestartCount"]) for one in found}

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
        password = self.stack.secrets()["carillon_amqp_url"]
        return await archived(f"amqp://carillon:{password}@{address}/")

    async def waits(self, since: datetime) -> list[float]:
        """Seconds from an event's commit to the broker's confirm, for those committed since."""
        query = sa.text("SELECT added, confirmed FROM poller.confirmed WHERE added >= :since")
        rows = await self.rows(query.bindparams(since=since))
        return [(row.confirmed - row.added).total_seconds() for row in rows]


def _inspect(containers: Sequence[str]) -> str:
    command = ["docker", "inspect", *containers]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def figures(waits: Sequence[float]) -> str:
    """Median, 99th percentile and longest wait, in milliseconds."""
    ordered = sorted(1000 * wait for wait in waits)
    late, last = ordered[int(0.99 * (len(ordered) - 1))], ordered[-1]
    middle = statistics.median(ordered)
    return f"{len(ordered)} events, ms: median {middle:.0f}, 99% {late:.0f}, longest {last:.0f}"


def _steps() -> list[Step]:
    """As the page says: what only you know, more than one node, and then the start."""
    page = list(steps(PAGE.read_text(encoding="utf-8")))
    return [
        step for part in ("1.", SECTION, "2.") for step in page if step.section.startswith(part)
    ]


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[Cluster]:
    """Walk to the installation on several nodes; afterwards remove it with all it knew."""
    ports = free_ports(2)
    more = {
        "CARILLON_WEB_SUBNET": "10.231.86.0/24",
        **dict(zip(("E2E_POSTGRES", "E2E_POSTGRES_2"), map(str, ports), strict=True)),
    }
    with walk(folder, PROJECT, _steps(), INSTEAD, more) as walked:
        hosts = "&".join(f"host=127.0.0.1:{port}" for port in ports)
        user = f"carillon:{walked.stack.secrets()['postgres_password']}"
        engine = make_engine(
            f"postgresql+asyncpg://{user}@/carillon?{hosts}&target_session_attrs=read-write"
        )
        try:
            yield Cluster(walked, engine)
        finally:
            await engine.dispose()


async def begin_to_count(installation: Cluster) -> None:
    """From here on what is fed is counted; PubMed's articles have all come."""
    async with installation.engine.begin() as connection:
        for statement in ON_THE_WAY:
            await connection.execute(sa.text(statement))
    installation.before.update(await effects(installation.engine))


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
