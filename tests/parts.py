"""Real parts for tests: a broker and a database in containers, started once for a session."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

DEPLOY = Path(__file__).parents[1] / "deploy"
CONF = "conf.d/15-carillon.conf"

# Our fixtures stop what they start; the reaper is one image more, which not every machine can pull.
testcontainers_config.ryuk_disabled = True


def _run(container: DockerContainer, command: list[str], within: float = 60.0) -> None:
    """Run a command in the container, again until it succeeds: servers need a moment."""
    deadline = time.monotonic() + within
    while True:
        code, output = container.exec(command)
        if code == 0:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"{command[0]} failed: {output!r}")
        time.sleep(0.5)


def cpu_of(container: object) -> float:
    """Processor seconds of a container so far."""
    answer = container.stats(stream=False, one_shot=True)  # type: ignore[attr-defined]
    return float(answer["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9


@dataclass(frozen=True)
class Rabbit:
    container: DockerContainer

    @property
    def address(self) -> str:
        host = self.container.get_container_host_ip()
        return f"{host}:{self.container.get_exposed_port(5672)}"

    @property
    def stream_port(self) -> int:
        """Where its stream protocol is, on the same host."""
        return int(self.container.get_exposed_port(5552))

    @property
    def management(self) -> str:
        """Where its management API is; user and password are `guest`."""
        host = self.container.get_container_host_ip()
        return f"http://guest:guest@{host}:{self.container.get_exposed_port(15672)}"

    def new_vhost(self, name: str) -> str:
        _run(self.container, ["rabbitmqctl", "add_vhost", name])
        _run(
            self.container,
            ["rabbitmqctl", "set_permissions", "-p", name, "guest", ".*", ".*", ".*"],
        )
        return f"amqp://guest:guest@{self.address}/{name}"

    def alarm(self) -> None:
        """Raise the memory alarm: who publishes is blocked."""
        _run(self.container, ["rabbitmqctl", "set_vm_memory_high_watermark", "0.00001"])

    def calm(self) -> None:
        _run(self.container, ["rabbitmqctl", "set_vm_memory_high_watermark", "0.6"])

    def stop(self) -> None:
        """Stop the broker's application: connections close, data stay."""
        _run(self.container, ["rabbitmqctl", "stop_app"])

    def start(self) -> None:
        _run(self.container, ["rabbitmqctl", "start_app"])
        _run(self.container, ["rabbitmqctl", "await_startup"])


@dataclass(frozen=True)
class Postgres:
    container: PostgresContainer

    def new_database(self, name: str) -> str:
        _run(self.container, ["createdb", "-U", "carillon", name])
        host = self.container.get_container_host_ip()
        port = self.container.get_exposed_port(5432)
        return f"postgresql+asyncpg://carillon:carillon@{host}:{port}/{name}"


@contextmanager
def start_rabbit() -> Iterator[Rabbit]:
    wanted = DockerContainer("rabbitmq:4-management").with_exposed_ports(5672, 5552, 15672)
    for name, inside in (("rabbitmq-plugins", "enabled_plugins"), ("rabbitmq.conf", CONF)):
        wanted.with_volume_mapping(str(DEPLOY / name), f"/etc/rabbitmq/{inside}", "ro")
    with wanted as container:
        _run(container, ["rabbitmqctl", "await_startup"])
        yield Rabbit(container)


@contextmanager
def start_postgres() -> Iterator[Postgres]:
    container = PostgresContainer(
        "postgres:17", username="carillon", password="carillon", dbname="carillon"
    )
    with container:
        _run(container, ["pg_isready", "-U", "carillon"])
        yield Postgres(container)
