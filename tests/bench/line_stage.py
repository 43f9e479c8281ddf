"""The engines and processes of `tests.bench.line`: one line with outbox and inbox, one without."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from shared import topology
from shared.broker import declare_topology
from shared.database import make_engine
from shared.migrate import upgrade
from tests.eventually import eventually
from tests.parts import Postgres, Rabbit

ROOT = Path(__file__).parents[2]
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Counter:
    """Who listens for `article.classified` on the exchange of events: which came, and when."""

    seen: dict[str, float] = field(default_factory=dict)

    async def take(self, message: AbstractIncomingMessage) -> None:
        """Note the event, at the instant of the monotonic clock."""
        self.seen.setdefault(message.message_id or "", time.monotonic())

    async def reach(self, count: int, within: float) -> float:
        """The instant at which the last of so many events came."""
        await eventually(lambda: len(self.seen) >= count, within=within, pause=0.001)
        return max(self.seen.values())


@dataclass(frozen=True)
class Worker:
    """A process of the line."""

    process: subprocess.Popen[str]
    port: int

    def cpu(self) -> float:
        """Seconds it has had a processor (proc(5): utime and stime)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def ready(self) -> bool:
        """Whether it says so itself."""
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.process.args!r} has ended")
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return int(answer.status) == 200
        except (URLError, ConnectionError):
            return False


@dataclass(frozen=True)
class Line:
    """A poller, a classifier, and who listens behind them."""

    poller: Worker
    classifier: Worker
    counter: Counter
    channel: AbstractChannel

    async def tell(self, first: int, count: int) -> float:
        """Have so many new articles written; the instant before that."""
        stdin, stdout = self.poller.process.stdin, self.poller.process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the poller has no pipes")
        stdin.write(f"{first} {count}\n")
        stdin.flush()
        return float(await asyncio.to_thread(stdout.readline))

    async def clear(self) -> None:
        """Forget what was counted, and what waits for the notifier, who is not here."""
        self.counter.seen.clear()
        queue = await self.channel.declare_queue(topology.NOTIFIER.name, passive=True)
        await queue.purge()


@asynccontextmanager
async def open_line(
    way: str, rabbit: Rabbit, postgres: Postgres, collector: str = ""
) -> AsyncIterator[Line]:
    """The line of one way, on a virtual host and a database of its own.

    It tells traces to a collector, where one is given.
    """
    name = f"{way}_traced" if collector else way
    amqp, database = rabbit.new_vhost(name), postgres.new_database(name)
    engine = make_engine(database)
    for service in ("poller", "classifier"):
        await upgrade(engine, service)
    await engine.dispose()
    await declare_topology(amqp)
    classifier = "services.classifier" if way == "outbox" else "tests.bench.line_bare"
    async with AsyncExitStack() as stack:
        engines = {"DATABASE_URL": database, "AMQP_URL": amqp}
        traces = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector}
        parts = {"poller": ["tests.bench.line_poller", way], "classifier": [classifier]}
        poller, labels = (
            stack.enter_context(_process(service, module, engines, traces))
            for service, module in parts.items()
        )
        connection = await stack.enter_async_context(await aio_pika.connect(amqp))
        counter, channel = Counter(), await connection.channel()
        heard = await channel.declare_queue(exclusive=True)
        await heard.bind(topology.EXCHANGE, "article.classified")
        await heard.consume(counter.take, no_ack=True)
        for worker in (poller, labels):
            await eventually(worker.ready, within=60, pause=0.2)
        yield Line(poller, labels, counter, channel)


@contextmanager
def _process(
    name: str, module: list[str], settings: dict[str, str], plain: dict[str, str]
) -> Iterator[Worker]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    prefixed = {f"{name.upper()}_{key}": value for key, value in settings.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", *module],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", f"{name.upper()}_PORT": str(port), **prefixed, **plain},
        stdin=subprocess.PIPE,
        # Our writer answers there; a service logs there, and nobody would empty its pipe.
        stdout=subprocess.PIPE if name == "poller" else sys.stderr,
        text=True,
    )
    try:
        yield Worker(process, port)
    finally:
        process.kill()
        process.wait()
