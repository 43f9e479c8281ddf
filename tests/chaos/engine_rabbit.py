"""RabbitMQ 4 that keeps its data and its port, and what can happen to it."""

import json
import secrets
import socket
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote

from tests.chaos.containers import Container, docker, free_port, until

IMAGE = "rabbitmq:4-management"
USUAL_MEMORY = "0.6"
"""RabbitMQ's default `vm_memory_high_watermark` (https://www.rabbitmq.com/docs/memory)."""
USUAL_DISK = "50MB"
"""Its default `disk_free_limit` (https://www.rabbitmq.com/docs/disk-alarms)."""


@dataclass(frozen=True)
class RabbitEngine:
    """The broker. What returns has had its effect; what starts it returns when it answers."""

    container: Container
    management_port: int

    def url(self, vhost: str = "/", port: int | None = None) -> str:
        """Where it is; `port` is a proxy's, if one is between."""
        return f"amqp://guest:guest@127.0.0.1:{port or self.container.port}/{quote(vhost, safe='')}"

    def new_vhost(self, name: str) -> None:
        """A virtual host of its own for a run."""
        self.api("PUT", f"vhosts/{quote(name, safe='')}", {})
        self.api(
            "PUT",
            f"permissions/{quote(name, safe='')}/guest",
            {"configure": ".*", "write": ".*", "read": ".*"},
        )

    # --- being away ---

    def stop(self) -> None:
        """Stop the container in an orderly way."""
        self.container.stop()

    def kill(self) -> None:
        """SIGKILL."""
        self.container.kill()

    def start(self) -> None:
        """Start it, and its application; returns when clients can connect."""

        def is_up() -> bool:
            self.container.begin()
            if not self.answers():
                self.ctl("start_app", check=False)
            return self.answers()

        until(is_up, 120, "RabbitMQ answers")

    def stop_app(self) -> None:
        """Stop the application: connections close, the node stays."""
        self.ctl("stop_app")

    def freeze(self) -> None:
        """Stand still with open connections, as a machine that is swapped out."""
        self.container.freeze()

    def thaw(self) -> None:
        """Go on."""
        self.container.thaw()

    # --- alarms and limits ---

    def alarm_memory(self) -> None:
        """Raise the memory alarm: connections that publish are blocked."""
        self.ctl("set_vm_memory_high_watermark", "absolute", "1MB")

    def alarm_disk(self) -> None:
        """Raise the disk alarm: connections that publish are blocked."""
        self.ctl("set_disk_free_limit", "100000GB")

    def end_alarms(self) -> None:
        """Put both limits back to RabbitMQ's defaults."""
        self.ctl("set_vm_memory_high_watermark", USUAL_MEMORY)
        self.ctl("set_disk_free_limit", USUAL_DISK)

    def close_connections(self) -> None:
        """Close every connection from the broker's side (320 CONNECTION_FORCED)."""
        self.ctl("close_all_connections", "--global", "chaos")

    def limit_queue(self, vhost: str, queue: str, length: int = 1) -> None:
        """Let a queue hold no more than so many: more publishes to it are refused (nack)."""
        self.api(
            "PUT",
            f"policies/{quote(vhost, safe='')}/chaos-{queue}",
            {
                "pattern": f"^{queue.replace('.', '[.]')}$",
                "definition": {"max-length": length, "overflow": "reject-publish"},
                "priority": 10,
                "apply-to": "queues",
            },
        )

    def unlimit_queue(self, vhost: str, queue: str) -> None:
        """Let a queue hold as many as come again."""
        with suppress(HTTPError):  # there is none
            self.api("DELETE", f"policies/{quote(vhost, safe='')}/chaos-{queue}")

    def heal(self) -> None:
        """Whatever was done to it, but for policies: running, answering, without alarms."""
        self.container.thaw()
        self.start()
        self.end_alarms()

    # --- looking ---

    def answers(self) -> bool:
        """Whether clients can connect, and its management answers."""
        try:
            self.api("GET", "overview")
            with socket.create_connection(("127.0.0.1", self.container.port), timeout=5) as client:
                client.sendall(b"AMQP\x00\x00\x09\x01")
                return bool(client.recv(1))
        except OSError:
            return False

    def ctl(self, *arguments: str, check: bool = True) -> str:
        """Run rabbitmqctl in the container."""
        return self.container.run("rabbitmqctl", *arguments, seconds=90, check=check)

    def queues(self, vhost: str) -> dict[str, int]:
        """How many messages each queue holds, ready or in hand; counted now, not sampled."""
        said = self.ctl(
            "list_queues", "--silent", "--formatter=json", "-p", vhost, "name", "messages"
        )
        return {row["name"]: int(row["messages"]) for row in json.loads(said)}

    def api(self, method: str, path: str, body: object = None) -> Any:
        """Ask the management API (https://www.rabbitmq.com/docs/http-api-reference).

        Raises:
            OSError: it cannot be reached, or says no (urllib's HTTPError is one).
        """
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.management_port}/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": "Basic " + b64encode(b"guest:guest").decode(),
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            said = answer.read()
        return json.loads(said) if said else None


@contextmanager
def rabbit_engine(name: str = "carillon-fire-rabbit") -> Iterator[RabbitEngine]:
    """A broker while the block runs; the name gets a few letters of its own."""
    name = f"{name}-{secrets.token_hex(3)}"
    engine = RabbitEngine(Container(name, free_port()), free_port())
    docker(
        "run", "--detach", "--name", name, "--hostname", "rabbit",
        "--publish", f"127.0.0.1:{engine.container.port}:5672",
        "--publish", f"127.0.0.1:{engine.management_port}:15672",
        IMAGE,
    )  # fmt: skip
    try:
        until(engine.answers, 90, "RabbitMQ answers")
        yield engine
    finally:
        engine.container.remove()
