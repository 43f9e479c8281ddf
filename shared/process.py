"""The life of a deployed service: connect, work, answer probes, stop without losing anything."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field

import sqlalchemy as sa
import structlog
from faststream.rabbit import RabbitBroker
from prometheus_client import CollectorRegistry, ProcessCollector
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import collector
from shared.broker import (
    BLOCKED,
    GRACE_SECONDS,
    begin,
    blocked,
    make_broker,
    publisher,
)
from shared.database import transaction
from shared.declared import Declared
from shared.errors import Away, ConfigurationError, Retryable
from shared.loops import every
from shared.outbox import Publish, added, relay
from shared.parking import ParkingWatch
from shared.probes import Check, serve_probes
from shared.topology import ConsumerQueue
from shared.under_replay import UnderReplay
from shared.vitals import OutboxWatch, QueueWatch, StandbyWatch, Steps

log = structlog.get_logger(__name__)

RELAY_SECONDS = 1.0
"""Between two looks at the outbox that nobody asked for: what this process adds wakes the relay.

What is found so was added by another process (a backfill, one that died), or failed before.
"""

LOOK_SECONDS = 15.0
"""Between two looks at the outbox for its numbers."""

TOPOLOGY_SECONDS = 30.0
"""How long a queue or binding that somebody removed by hand stays away."""
CLOSE_SECONDS = 3.0
EXIT_SECONDS = 27.0
"""From the signal to the end, whatever hangs; Compose kills after 30 (`stop_grace_period`)."""

RELAY_LONGEST_SECONDS = 4.0
"""Between two tries while broker or database are away: what waits goes on soon after they are back.

It costs one query a try, and no connection: reconnecting is the broker client's own affair.
"""


@dataclass(frozen=True)
class Loop:
    """Work that a service does by the clock; `seconds` between two steps.

    `under_replay` is what it does about what a replay brings.
    """

    name: str
    seconds: float
    step: Callable[[], Awaitable[object]]
    under_replay: UnderReplay


@dataclass(frozen=True)
class Service:
    """The parts of one running service. The outbox is relayed whatever else it does.

    `first` must have succeeded once before anything else is done; it is tried until it has.
    `publishing` is the connection for publishes and copies, one of its own if none is given.
    `consumes` is the queue whose parking is watched.
    `metrics` are served beside the probes, and `pages` on a port of their own: also while the
    broker is away. `closing` is called in the end: it lets go of connections to others.
    """

    name: str
    engine: AsyncEngine
    outbox: sa.Table
    broker: RabbitBroker
    amqp_url: str = field(repr=False)
    port: int
    publishing: RabbitBroker | None = None
    consumes: ConsumerQueue | None = None
    first: Callable[[], Awaitable[None]] | None = None
    loops: Sequence[Loop] = ()
    metrics: CollectorRegistry | None = None
    pages: AbstractAsyncContextManager[object] | None = None
    closing: Sequence[Callable[[], Awaitable[object]]] = ()


async def run(service: Service, traces: collector.Settings | None = None) -> None:
    """Run until SIGTERM or SIGINT; its work is told to the collector of `traces`.

    While the broker is away the process lives (`/livez`) and is not ready (`/readyz`). At the
    end: no new work, handlers in flight finish, the outbox is flushed as far as it goes; and an
    end it has, also when database or broker swallow everything at that moment.
    """
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    # A connection that publishes is blocked as a whole by the broker's alarms: one is for that.
    publishing = service.publishing or make_broker(service.amqp_url)
    metrics = service.metrics or CollectorRegistry()
    ProcessCollector(registry=metrics)
    declared = Declared(service.amqp_url, service.consumes)
    probes = serve_probes(service.port, _checks(service, publishing), metrics)
    deadline = asyncio.create_task(_deadline(stop))
    async with collector.collected(service.name, traces, service.engine, metrics):
        async with probes, service.pages or nullcontext():
            if await _connected(service, publishing, declared, stop):
                log.info("service_started", name=service.name)
                upkeep = _upkeep(service, metrics, declared)
                await _work(service, publishing, upkeep, metrics, stop)
        closing = [*service.closing, service.broker.stop, publishing.stop, service.engine.dispose]
        closed = [await _within(CLOSE_SECONDS, close()) for close in closing]
    if all(closed):
        (await deadline).cancel()
    log.info("service_stopped", name=service.name)


async def _deadline(stop: asyncio.Event) -> asyncio.TimerHandle:
    """Set to go off at the end of the grace: a timer, since tasks are cancelled before that."""
    await stop.wait()
    return asyncio.get_running_loop().call_later(EXIT_SECONDS, _give_up)


def _give_up() -> None:
    """Leave what hangs: it is as safe as a SIGKILL, and comes before it."""
    log.error("stopped_while_hanging", seconds=EXIT_SECONDS)
    os._exit(1)


async def _connected(
    service: Service, publishing: RabbitBroker, declared: Declared, stop: asyncio.Event
) -> bool:
    """Prepare, declare the topology, then consume; wait for the engines as long as it takes."""
    pause = 0.5
    while not stop.is_set():
        try:
            if service.first:
                await service.first()
            await declared()
            await begin(publishing)
            await begin(service.broker)
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


def _upkeep(service: Service, metrics: CollectorRegistry, declared: Declared) -> list[Loop]:
    """What every service does by the clock beside its own work."""
    inside = UnderReplay.INSIDE
    outbox = OutboxWatch(service.engine, service.outbox, metrics)
    standbys = StandbyWatch(service.engine, metrics)
    loops = [
        Loop("topology", TOPOLOGY_SECONDS, declared, inside),
        Loop("outbox", LOOK_SECONDS, outbox.look, inside),
        Loop("standbys", TOPOLOGY_SECONDS, standbys.look, inside),
    ]
    if service.consumes is None:
        return loops
    parked = ParkingWatch(service.amqp_url, service.consumes, metrics)
    queue = QueueWatch(service.amqp_url, service.consumes, metrics)
    return [
        *loops,
        Loop("parking", TOPOLOGY_SECONDS, parked.look, inside),
        Loop("queue", TOPOLOGY_SECONDS, queue.look, inside),
    ]


async def _work(
    service: Service,
    publishing: RabbitBroker,
    upkeep: Sequence[Loop],
    metrics: CollectorRegistry,
    stop: asyncio.Event,
) -> None:
    publish, told = publisher(publishing), Steps(metrics).told
    loops = (*service.loops, *upkeep)
    with added(service.engine) as wake:
        at_work = [
            *(every(one.name, one.seconds, told(one.name, one.step), stop) for one in loops),
            every(
                "relay",
                RELAY_SECONDS,
                told("relay", _relaying(service, publish)),
                stop,
                wake,
                RELAY_LONGEST_SECONDS,
            ),
        ]
        tasks = [asyncio.create_task(one) for one in at_work]
        await stop.wait()
        # All that is in hand ends before the flush, so that what it leaves in the outbox goes too.
        await asyncio.gather(_consumed(service), _ended(tasks))
    await _flush(service, publish)


async def _consumed(service: Service) -> None:
    """Take no more messages; those in hand are finished, or left to the broker after the grace."""
    stops = (subscriber.stop() for subscriber in service.broker.subscribers)
    await _within(GRACE_SECONDS + 1.0, asyncio.gather(*stops))


async def _ended(at_work: Sequence[asyncio.Task[None]]) -> None:
    """Let each loop finish its step; what takes longer than the grace is broken off."""
    _, late = await asyncio.wait(at_work, timeout=GRACE_SECONDS)
    for task in late:
        task.cancel()
    if late:
        log.warning("steps_broken_off", steps=len(late))
        await asyncio.wait(late, timeout=1.0)


async def _within(seconds: float, closing: Awaitable[object]) -> bool:
    """Close something that may hang; whether it is closed. What is not ends with the process."""
    task = asyncio.ensure_future(closing)
    if not (await asyncio.wait({task}, timeout=seconds))[0]:
        task.cancel()
        log.warning("closing_takes_too_long", seconds=seconds)
        return False
    if (error := task.exception()) is not None:
        log.info("closing_failed", error=type(error).__name__)
    return True


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


def _checks(service: Service, publishing: RabbitBroker) -> dict[str, Check]:
    # As one who would write: one that takes no writes, or has not our tables, is of no use.
    asked = sa.select(service.outbox.c.seq).where(sa.false()).with_for_update()

    async def database() -> bool:
        async with transaction(service.engine) as connection:
            await connection.execute(asked)
        return True

    async def broker() -> bool:
        for one in (service.broker, publishing):
            if not await one.ping(timeout=2.0):
                return False
        if await blocked(publishing):
            raise Away(BLOCKED)
        return True

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
