"""Try every crash point of every boundary, and print what came of it.

python -m tests.chaos.crash [--only NAME] [--point POINT] [--every K] [--twice N] [--worlds N]
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from copy import deepcopy

from tests.chaos.crash.boundaries import BOUNDARIES
from tests.chaos.crash.run import Count, Undisturbed, killed_at, try_each, try_twice, undisturbed
from tests.chaos.crash.world import World, open_world
from tests.parts import start_postgres, start_rabbit


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.crash")
    names = [one.name for one in BOUNDARIES]
    parser.add_argument("--only", choices=names, action="append", help="this boundary; again: more")
    parser.add_argument("--point", action="append", help="kill here only; again: in the recovery")
    parser.add_argument("--every", type=int, default=1, help="try every so-manieth point")
    parser.add_argument("--offset", type=int, default=0, help="begin with this one, from 0")
    parser.add_argument("--twice", type=int, default=10, help="so many rows of two kills each")
    parser.add_argument("--seed", type=int, default=1, help="of the rows of two kills")
    parser.add_argument("--worlds", type=int, default=2, help="so many lives at the same time")
    parser.add_argument("--list", action="store_true", help="only name the points")
    return parser.parse_args()


async def _run(worlds: list[World], asked: argparse.Namespace) -> list[str]:
    problems: list[str] = []
    for boundary in BOUNDARIES:
        if asked.only and boundary.name not in asked.only:
            continue
        whole, *others = await asyncio.gather(
            *(undisturbed(world, deepcopy(boundary)) for world in worlds)
        )
        if asked.list:
            sys.stdout.write("\n".join([boundary.name, *whole.points, ""]))
        elif asked.point:
            verdict = await killed_at(worlds[0], whole, asked.point)
            sys.stdout.write(f"{boundary.name}: {verdict}\n")
            problems += verdict.problems
        else:
            started = time.monotonic()
            points = whole.points[asked.offset :: asked.every]
            share = zip(worlds, (whole, *others), range(len(worlds)), strict=True)
            counts = await asyncio.gather(
                *(_share(world, own, points, number, asked) for world, own, number in share)
            )
            problems += _told(_sum([once for once, _ in counts]), started)
            problems += _told(_sum([twice for _, twice in counts]), started)
    return problems


async def _share(
    world: World, whole: Undisturbed, points: Sequence[str], number: int, asked: argparse.Namespace
) -> tuple[Count, Count]:
    """What one of several worlds tries: every so-manieth of the points, and rows of its own."""
    once = await try_each(world, whole, points[number :: asked.worlds])
    times = len(range(number, asked.twice, asked.worlds))
    return once, await try_twice(world, whole, asked.seed + number, times)


def _sum(counts: Sequence[Count]) -> Count:
    total, *others = counts
    for one in others:
        total += one
    return total


def _told(count: Count, started: float) -> list[str]:
    lines = [f"{count} ({time.monotonic() - started:.0f} s)"]
    lines += [f"  PROBLEM {one}" for one in count.problems]
    lines += [f"  not met: {one}" for one in count.not_met]
    sys.stdout.write("\n".join([*lines, ""]))
    sys.stdout.flush()
    return count.problems


async def _main(asked: argparse.Namespace) -> int:
    with start_rabbit() as rabbit, start_postgres() as postgres:
        # Clients are killed here, and no server: what it wrote need not reach the disk.
        postgres.container.exec(["psql", "-U", "carillon", "-c", "ALTER SYSTEM SET fsync = off"])
        postgres.container.exec(["psql", "-U", "carillon", "-c", "SELECT pg_reload_conf()"])
        async with AsyncExitStack() as stack:
            opened = [open_world(rabbit, postgres) for _ in range(asked.worlds)]
            worlds = [await stack.enter_async_context(one) for one in opened]
            return 1 if await _run(worlds, asked) else 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(_main(_arguments())))
