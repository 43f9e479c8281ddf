"""What the guarantees cost, and how soon an article is classified: on RabbitMQ and PostgreSQL.

    python -m tests.bench.line [--articles 5000] [--rounds 5] [--samples 300]
                               [--floor 0.6] [--milliseconds 250]

Needs Docker. Two lines of a poller, a classifier and who listens for `article.classified`, each
part a process of its own: one as it is deployed, the other without outbox and inbox
(`line_poller`, `line_bare`). Both have the same engines, turn about. Throughput is from the first
commit of a poll's articles to the last `article.classified`; latency from before one article's
commit to its `article.classified`, one article at a time. Exit code 1 when the median ratio is
below the floor, or the 99th percentile above the limit.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from tests.bench.line_stage import Line, open_line
from tests.parts import Postgres, Rabbit, cpu_of, start_postgres, start_rabbit

FIRST = 50_000_000
WARM = 400
SLOWEST = 3.0
"""Articles a second below which the bench gives up."""


@dataclass(frozen=True)
class Round:
    """What a number of articles took: seconds of the clock, and of processors by part."""

    articles: int
    seconds: float
    cpu: dict[str, float]

    @property
    def rate(self) -> float:
        """Articles a second."""
        return self.articles / self.seconds

    def told(self, way: str) -> str:
        """A line of the report."""
        parts = "  ".join(f"{n} {1000 * s / self.articles:5.2f}" for n, s in self.cpu.items())
        total = 1000 * sum(self.cpu.values()) / self.articles
        return f"{way:7s}{self.rate:7.0f}/s   cpu ms each: {parts}  all {total:5.2f}"


@dataclass(frozen=True)
class Engines:
    """The broker and the database that both lines have."""

    rabbit: Rabbit
    postgres: Postgres

    def cpu(self) -> dict[str, float]:
        """Processor seconds of the containers so far."""
        containers = {"broker": self.rabbit.container, "database": self.postgres.container}
        return {name: cpu_of(one.get_wrapped_container()) for name, one in containers.items()}


def main() -> None:
    """Measure, and say whether both limits are kept."""
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    words.add_argument("--articles", type=int, default=5_000)
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--samples", type=int, default=300)
    words.add_argument("--floor", type=float, default=0.6)
    words.add_argument("--milliseconds", type=float, default=250.0)
    given = words.parse_args()
    with start_rabbit() as rabbit, start_postgres() as postgres:
        held = asyncio.run(_measure(Engines(rabbit, postgres), given))
    sys.exit(0 if held else 1)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _measure(engines: Engines, given: argparse.Namespace) -> bool:
    async with AsyncExitStack() as stack:
        lines = {
            way: await stack.enter_async_context(open_line(way, engines.rabbit, engines.postgres))
            for way in ("outbox", "bare")
        }
        for line in lines.values():
            await _round(engines, line, FIRST - WARM, WARM)
        ratios = await _throughput(engines, lines, given)
        waits = {way: await _latency(line, given.samples) for way, line in lines.items()}
    for way, wait in waits.items():
        _say(f"{way:7s}commit to classified, ms: " + _quantiles(wait))
    ratio, slowest = statistics.median(ratios), _quantile(waits["outbox"], 0.99)
    _say(f"ratio min {min(ratios):.2f} median {ratio:.2f} max {max(ratios):.2f}")
    return bool(ratio >= given.floor and slowest < given.milliseconds)


async def _throughput(
    engines: Engines, lines: dict[str, Line], given: argparse.Namespace
) -> list[float]:
    ratios = []
    for number in range(given.rounds):
        first = FIRST + number * given.articles
        both = {w: await _round(engines, x, first, given.articles) for w, x in lines.items()}
        for way, one in both.items():
            _say(one.told(way))
        ratios.append(both["outbox"].rate / both["bare"].rate)
        _say(f"ratio  {ratios[-1]:7.2f}")
    return ratios


async def _round(engines: Engines, line: Line, first: int, count: int) -> Round:
    await line.clear()
    before = _cpu(engines, line)
    start = time.monotonic()
    telling = asyncio.create_task(line.tell(first, count))
    end = await line.counter.reach(count, within=count / SLOWEST)
    start = await telling
    used = {name: after - before[name] for name, after in _cpu(engines, line).items()}
    return Round(count, end - start, used)


def _cpu(engines: Engines, line: Line) -> dict[str, float]:
    return {
        "poller": line.poller.cpu(),
        "classifier": line.classifier.cpu(),
        **engines.cpu(),
    }


async def _latency(line: Line, samples: int) -> list[float]:
    """Seconds that one article took, one after the other, and not in step with any clock."""
    waits = []
    for number in range(samples):
        await line.clear()
        await asyncio.sleep(0.05 + 0.037 * (number % 7))
        start = await line.tell(FIRST * 2 + number, 1)
        waits.append(await line.counter.reach(1, within=30) - start)
    return waits


def _quantile(waits: Sequence[float], share: float) -> float:
    ordered = sorted(waits)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _quantiles(waits: Sequence[float]) -> str:
    return "  ".join(
        f"{name} {_quantile(waits, share):.0f}"
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))
    )


if __name__ == "__main__":
    main()
