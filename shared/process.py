"""The life of a deployed service: connect, work, answer probes, stop without losing anything."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

import sqlalchemy as sa
import structlog
from faststream.rabbit import RabbitBroker
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.broker import GRACE_SECONDS, declare_topology, publisher
from shared.database import transaction
from shared.errors import ConfigurationError, Retryable
from shared.loops import every
from shared.outbox import Publish, added, relay
from shared.probes import Check, serve_probes

log = structlog.get_logger(__name__)

RELAY_SECONDS = 1.0
"""Between two looks at the outbox that nobody asked for: what this process adds wakes the relay.

What is found so was added by another process (a backfill, one that died), or failed before.
"""

RELAY_LONGEST_SECONDS = 4.0
"""Between two tries while broker or database are away: what waits goes on soon after they are back.

It costs one query a try, and no connection: reconnecting is the broker client's own affair.
"""


@dataclass(frozen=True)
class Loop:
    """Work that a service does by the clock; `seconds` between two steps."""

    name: str
    seconds: float
    step: Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Service:
    """The parts of one running service. The outbox is relayed whatever else it does.

    `first` must have succeeded once before anything else is done; it is tried until it has.
    `metrics` are served beside the probes, and `pages` on a port of their own: also while the
    broker is away. `closing` is called in the end: it lets go of connections to others.
    """

    name: str
    engine: AsyncEngine
    outbox: sa.Table
    broker: RabbitBroker
    amqp_url: str
    port: int
    first: Callable[[], Awaitable[None]] | None = None
    loops: Sequence[Loop] = ()
    metrics: CollectorRegistry | None = None
    pages: AbstractAsyncContextManager[object] | None = None
    closing: Sequence[Callable[[], Awaitable[object]]] = ()


async def run(service: Service) -> None:
    """Run until SIGTERM or SIGINT.

    While the broker is away the process lives (`/livez`) and is not ready (`/readyz`). At the
    end: no new work, handlers in flight finish, the outbox is flushed as far as it goes.
    """
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    probes = serve_probes(service.port, _checks(service), service.metrics)
    async with probes, service.pages or nullcontext():
        if await _connected(service, stop):
            log.info("service_started", name=service.name)
            await _work(service, stop)
    for close in (*service.closing, service.engine.dispose):
        await close()
    log.info("service_stopped", name=service.name)


async def _connected(service: Service, stop: asyncio.Event) -> bool:
    """Prepare, declare the topology, then consume; wait for the engines as long as it takes."""
    pause = 0.5
    while not stop.is_set():
        try:
            if service.first:
                await service.first()
            await declare_topology(service.amqp_url)
            await service.broker.start()
        except (Retryable, OSError) as fault:
            log.warning("engines_awaited", reason=str(fault), seconds=pause)
            pause = min(pause * 2, 10.0)
            await _sleep(stop, pause)
        else:
            return True
    return False


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), timeout=seconds)
    except TimeoutError:
        return


async def _work(service: Service, stop: asyncio.Event) -> None:
    publish = publisher(service.broker)
    with added(service.engine) as wake:
        async with asyncio.TaskGroup() as tasks:
            for loop in service.loops:
                tasks.create_task(every(loop.name, loop.seconds, loop.step, stop))
            step = _relaying(service, publish)
            tasks.create_task(
                every("relay", RELAY_SECONDS, step, stop, wake, RELAY_LONGEST_SECONDS)
            )
    # The consumers stop first, so that what they still finish is in the outbox for the flush.
    for subscriber in service.broker.subscribers:
        await subscriber.stop()
    await _flush(service, publish)
    await service.broker.stop()


def _relaying(service: Service, publish: Publish) -> Callable[[], Awaitable[None]]:
    """The relay's step: all that is new, and what failed before once in `RELAY_SECONDS`.

    A busy service wakes the relay all the time; what no queue takes is not tried as often.
    """
    clock = asyncio.get_running_loop().time
    again_at = clock()

    async def step() -> None:
        nonlocal again_at
        while await relay(service.engine, service.outbox, publish, fresh=True):
            continue
        if clock() >= again_at:
            await relay(service.engine, service.outbox, publish)
            again_at = clock() + RELAY_SECONDS

    return step


async def _relay_all(service: Service, publish: Publish) -> None:
    while await relay(service.engine, service.outbox, publish):
        continue


async def _flush(service: Service, publish: Publish) -> None:
    try:
        await asyncio.wait_for(_relay_all(service, publish), timeout=GRACE_SECONDS / 3)
    except (Retryable, TimeoutError) as fault:
        log.info("outbox_kept_for_next_start", reason=str(fault))


def _checks(service: Service) -> dict[str, Check]:
    async def database() -> bool:
        async with transaction(service.engine) as connection:
            await connection.execute(sa.select(1))
        return True

    async def broker() -> bool:
        return await service.broker.ping(timeout=3.0)

    return {"database": database, "broker": broker}


def start(main: Callable[[], None]) -> None:
    """Run a service's `main`; a setting that cannot be used is one clear line, and exit code 78.

    78 is EX_CONFIG of sysexits.h: starting again without a change would not help.
    """
    try:
        main()
    except ConfigurationError as error:
        sys.stderr.write(f"carillon: {error}\n")
        raise SystemExit(78) from None
