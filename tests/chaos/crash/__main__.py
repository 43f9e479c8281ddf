"""Try every crash point of every boundary, and print what came of it.

python -m tests.chaos.crash [--only NAME] [--point POINT] [--every K] [--offset N] [--twice N]
"""

import argparse
import asyncio
import sys
import time

from tests.chaos.crash.boundaries import BOUNDARIES
from tests.chaos.crash.run import Count, killed_at, try_each, try_twice, undisturbed
from tests.chaos.crash.world import World, open_world
from tests.parts import start_postgres, start_rabbit


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.crash")
    parser.add_argument("--only", choices=[one.name for one in BOUNDARIES], help="one boundary")
    parser.add_argument("--point", action="append", help="kill here only; again: in the recovery")
    parser.add_argument("--every", type=int, default=1, help="try every so-manieth point")
    parser.add_argument("--offset", type=int, default=0, help="begin with this one, from 0")
    parser.add_argument("--twice", type=int, default=10, help="so many rows of two kills each")
    parser.add_argument("--seed", type=int, default=1, help="of the rows of two kills")
    parser.add_argument("--list", action="store_true", help="only name the points")
    return parser.parse_args()


async def _run(world: World, asked: argparse.Namespace) -> list[str]:
    problems: list[str] = []
    for boundary in BOUNDARIES:
        if asked.only not in {None, boundary.name}:
            continue
        whole = await undisturbed(world, boundary)
        if asked.list:
            sys.stdout.write("\n".join([boundary.name, *whole.points, ""]))
        elif asked.point:
            verdict = await killed_at(world, whole, asked.point)
            sys.stdout.write(f"{boundary.name}: {verdict}\n")
            problems += verdict.problems
        else:
            started = time.monotonic()
            once = await try_each(world, whole, whole.points[asked.offset :: asked.every])
            problems += _told(once, started)
            started = time.monotonic()
            problems += _told(await try_twice(world, whole, asked.seed, asked.twice), started)
    return problems


def _told(count: Count, started: float) -> list[str]:
    lines = [f"{count} ({time.monotonic() - started:.0f} s)"]
    lines += [f"  PROBLEM {one}" for one in count.problems]
    lines += [f"  not met: {one}" for one in count.not_met]
    sys.stdout.write("\n".join([*lines, ""]))
    sys.stdout.flush()
    return count.problems


async def _main(asked: argparse.Namespace) -> int:
    with start_rabbit() as rabbit, start_postgres() as postgres:
        async with open_world(rabbit, postgres) as world:
            return 1 if await _run(world, asked) else 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(_main(_arguments())))
