"""Does anything grow in a day at fifty messages a second?

    python -m tests.chaos.soak [--hours 24] [--rate 50] [--speed 0] [--minutes 0]
                               [--services poller,classifier,notifier] [--seed 1] [--every 10]
                               [--known 1000] [--backlog 1500] [--trouble-every 15000]
                               [--plant classifier:list,task] [--folder PATH]

The real services as processes, on a RabbitMQ and a PostgreSQL of their own (Docker). Messages are
put into the poller's outbox as fast as the line takes them, or `--speed` times as fast as life at
most; the simulated clock goes as they do, so that HOURS need HOURS * 3600 * RATE messages. With
`--minutes` it ends after so many real minutes, wherever it is, and says where that was. At most
`--backlog` messages are on their way at once; clients are cut off every `--trouble-every`.

All is counted every `--every` seconds, and judged over the second half (`soak_judge`). Exit code 1
when something grew, when a message is missing, or when a service did not stop as it should.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.demo_articles import demo_articles
from services.notifier import tables as notifier
from shared.broker import declare_topology
from shared.database import make_engine, transaction
from shared.migrate import upgrade
from shared.topology import CONSUMERS, NOTIFIER
from tests.chaos.soak_crew import SERVICES, Crew
from tests.chaos.soak_day import BACKLOG, PARKED, Day
from tests.chaos.soak_engines import Management, Queues
from tests.chaos.soak_judge import BOUNDS, Growth, Point, judged, table
from tests.chaos.soak_mix import FIRST_PMID, Mix
from tests.chaos.soak_visits import visit
from tests.parts import Rabbit, start_postgres, start_rabbit


@dataclass(frozen=True)
class Plan:
    """What is run. `messages` are fed at most, for `minutes` of real time at most (0: any)."""

    messages: int
    minutes: float = 0.0
    rate: float = 50.0
    speed: float = 0.0
    seed: int = 1
    every: float = 10.0
    services: Sequence[str] = SERVICES
    trouble_every: int = 15_000
    restart_every: int = 180_000
    known: int = 1_000
    drains_within: float = 600.0
    tolerance: float = 1.0
    backlog: int = BACKLOG


@dataclass(frozen=True)
class Result:
    """What came of it. `missing` messages have no effect; of `kinds` of objects there are more."""

    sent: int
    seconds: float
    mix: Mapping[str, int]
    happened: Mapping[str, int]
    answers: Mapping[str, int]
    growths: Sequence[Growth]
    is_drained: bool
    missing: int
    parked: int
    codes: Mapping[str, int]
    kinds: Mapping[str, Mapping[str, int]]

    @property
    def leaks(self) -> list[Growth]:
        """What grew by more than it may."""
        return [one for one in self.growths if one.is_leak]

    @property
    def is_well(self) -> bool:
        """Whether nothing grew, nothing is missing, and all stopped as they should."""
        as_told = self.is_drained and self.missing == 0 and self.parked == self.mix["poison"]
        return not self.leaks and as_told and not any(self.codes.values())


async def soak(plan: Plan, rabbit: Rabbit, crew: Crew) -> Result:
    """Run it, and judge."""
    engine = make_engine(crew.database_url)
    for service in SERVICES:
        await upgrade(engine, service)
    await declare_topology(crew.amqp_url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.dispose)
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=30))
        management = Management.of(rabbit, crew.amqp_url, http)
        queues = Queues(crew.amqp_url)
        stack.push_async_callback(queues.close)
        consumers = [one for one in CONSUMERS if one.name in plan.services]
        for queue in set(CONSUMERS) - set(consumers):
            await queues.unbind(queue)
        mix = Mix(demo_articles(), plan.seed, plan.known)
        day = Day(
            crew, engine, management, queues, mix, consumers, plan.rate, plan.speed,
            plan.trouble_every, plan.restart_every, plan.backlog,
        )  # fmt: skip
        return await _through(plan, day)


async def _through(plan: Plan, day: Day) -> Result:
    day.crew.show(day.now)
    day.crew.start(plan.services)
    answers: Counter[str] = Counter()
    await _ready(day.crew, plan.services)
    began = time.monotonic()
    beside = [
        asyncio.create_task(day.read(plan.every)),
        asyncio.create_task(visit(day.crew.ports, answers)),
    ]
    try:
        until = began + plan.minutes * 60 if plan.minutes else float("inf")
        await day.feed(plan.messages, until)
        is_drained = await day.drained(plan.drains_within)
    finally:
        for task in beside:
            task.cancel()
        codes = await asyncio.to_thread(day.crew.stop)
    parked = sum((await day.queues.ready(PARKED)).values())
    return Result(
        day.mix.sent, time.monotonic() - began, _mixed(day.mix), day.happened, answers,
        judged(_series(day, plan.services), plan.tolerance), is_drained,
        await _missing(day), parked, codes,
        {name: _grown_kinds(day.crew, name) for name in plan.services},
    )  # fmt: skip


async def _ready(crew: Crew, services: Sequence[str]) -> None:
    """Return when all are ready, or after some minutes: how one begins is not what is judged."""
    ends = time.monotonic() + 120
    async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
        for name in services:
            while time.monotonic() < ends:
                with contextlib.suppress(httpx.HTTPError):
                    answer = await http.get(f"http://127.0.0.1:{crew.ports[name]}/readyz")
                    if answer.status_code == httpx.codes.OK:
                        break
                await asyncio.sleep(0.2)


def _mixed(mix: Mix) -> dict[str, int]:
    names = ("distinct", "duplicates", "polls", "poison", "records")
    return {name: getattr(mix, name) for name in names}


def _series(day: Day, services: Sequence[str]) -> dict[tuple[str, str], list[Point]]:
    series = dict(day.readings)
    for name in services:
        for sample in day.crew.samples(name):
            for what in BOUNDS.keys() & sample.keys():
                series.setdefault((name, what), []).append((sample["at"], sample[what]))
    return {key: among for key, points in series.items() if len(among := _during(day, points)) > 3}


def _during(day: Day, points: Sequence[Point]) -> list[Point]:
    """What was counted while messages came: before and after that nothing leaks."""
    since, until = day.fed
    return [point for point in points if since <= point[0] <= until]


async def _missing(day: Day) -> int:
    """Readable events less those with an effect at the end of the line, where there is one."""
    if NOTIFIER not in day.consumers:
        return 0
    async with transaction(day.engine) as connection:
        noted = await _count(connection, notifier.revisions, day.mix.records)
    return day.mix.distinct - noted


async def _count(connection: AsyncConnection, table: sa.Table, records: int) -> int:
    ours = table.c.pmid.between(FIRST_PMID, FIRST_PMID + records - 1)
    query = sa.select(sa.func.count()).select_from(table).where(ours)
    return (await connection.scalar(query)) or 0


def _grown_kinds(crew: Crew, name: str) -> dict[str, int]:
    """The kinds of objects that there are most more of at the end than half-way."""
    samples = [sample for sample in crew.samples(name) if sample["kinds"]]
    if not samples:
        return {}
    half, end = Counter(samples[len(samples) // 2]["kinds"]), Counter(samples[-1]["kinds"])
    end.subtract(half)
    return dict(end.most_common(5))


def told(plan: Plan, result: Result) -> str:
    """The result as text."""
    hours = result.sent / plan.rate / 3600
    detected = [one for one in result.growths if one.what == "own"]
    lines = [
        f"{result.sent:,} messages in {result.seconds / 60:.1f} minutes "
        f"({result.sent / result.seconds:.0f} a second): "
        f"{hours:.2f} simulated hours at {plan.rate:g} a second",
        f"of them {_listed(result.mix)}",
        f"trouble: {_listed(result.happened)}; pages and probes: {_listed(result.answers)}",
        "",
        table(result.growths),
        "",
        *(
            f"{one.who}: a leak of {one.allowed * 1e6 / (result.sent / 2):.0f} bytes a message "
            "in its own memory would have been seen"
            for one in detected
        ),
        *(
            f"{name}: objects since half-way {_listed(kinds)}"
            for name, kinds in result.kinds.items()
        ),
        "all was brought to its end" if result.is_drained else "much was still on its way",
        f"missing {result.missing}, parked {result.parked} of {result.mix['poison']} poisonous; "
        f"exit codes {_listed(result.codes)}",
        "nothing grew" if not result.leaks else f"{len(result.leaks)} grew",
    ]
    return "\n".join(lines)


def _listed(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in numbers.items()) or "none"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--speed", type=float, default=0.0)
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--services", default=",".join(SERVICES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, default=10.0)
    parser.add_argument("--known", type=int, default=1_000)
    parser.add_argument("--backlog", type=int, default=BACKLOG)
    parser.add_argument("--trouble-every", type=int, default=15_000)
    parser.add_argument("--plant", action="append", default=[])
    parser.add_argument("--folder", type=Path)
    return parser.parse_args()


def _plan(given: argparse.Namespace) -> Plan:
    return Plan(
        messages=int(given.hours * 3600 * given.rate),
        minutes=given.minutes,
        rate=given.rate,
        speed=given.speed,
        seed=given.seed,
        every=given.every,
        services=tuple(given.services.split(",")),
        known=given.known,
        backlog=given.backlog,
        trouble_every=given.trouble_every,
    )


def _ended(number: int, _frame: object) -> None:
    """Leave by the way that stops processes and containers."""
    sys.exit(128 + number)


def main() -> int:
    """Run what the command line asks for."""
    for number in (signal.SIGTERM, signal.SIGINT):  # SIGINT is ignored in the background
        signal.signal(number, _ended)
    given = _arguments()
    plan = _plan(given)
    planted = {name: leaks.split(",") for name, leaks in (p.split(":") for p in given.plant)}
    with TemporaryDirectory(prefix="soak-") as scratch, start_rabbit() as rabbit:
        folder = given.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        with start_postgres() as postgres:
            urls = postgres.new_database("soak"), rabbit.new_vhost("soak")
            crew = Crew(folder, *urls, seconds=plan.every, planted=planted)
            result = asyncio.run(soak(plan, rabbit, crew))
    sys.stdout.write(told(plan, result) + "\n")
    return 0 if result.is_well else 1


if __name__ == "__main__":
    sys.exit(main())
