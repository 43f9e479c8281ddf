"""A simulated year: `python -m tests.bench.year --articles 4000 --days 365 --kills 50 --seed 1`.

The NCBI stand-in serves an invented PubMed and fails as NCBI does; the poller is a process of its
own that is killed and started again. In the end every article must be there, announced once.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.year_checks import Left, complaints, read_left
from tests.bench.year_conductor import Played, play
from tests.bench.year_plan import Year
from tests.bench.year_standin import World


@dataclass(frozen=True)
class Result:
    """How a year went, what it left, what is wrong with that, and how long it took."""

    year: Year
    played: Played
    left: Left
    complaints: list[str]
    seconds: float


async def simulate(year: Year) -> Result:
    """Play a year and judge it."""
    started = time.monotonic()
    played = await play(year)
    left = await read_left(year.database_url, year.folder)
    wrong = complaints(left, year.world.pubmed())
    return Result(year, played, left, wrong, time.monotonic() - started)


def table(result: Result) -> str:
    """The figures of a year, a line each."""
    played, left = result.played, result.left
    unhealthy = sum(not poll.healthy for poll in left.polls)
    faults = ", ".join(f"{kind} {n}" for kind, n in sorted(played.faults.items()))
    kills = ", ".join(f"{moment} {n}" for moment, n in sorted(played.kills.items()))
    lines = {
        "seed": result.year.world.seed,
        "records at PubMed": len(result.year.world.pubmed().catalogue.articles),
        "articles found": len(left.articles),
        "events of discovery": len({event.id for event in left.discovered}),
        "events of revision": len({event.id for event in left.revised}),
        "events carried twice": _carried_twice(left),
        "polls": f"{len(left.polls)}, {unhealthy} with an open leg",
        "requests": f"{sum(played.requests.values())}: {dict(played.requests)}",
        "faults": f"{sum(played.faults.values())}: {faults}",
        "kills": f"{sum(played.kills.values())}: {kills}",
        "days given up": played.given_up,
        "wall time": f"{result.seconds:.0f} s",
    }
    return "\n".join(f"{name:22}{value}" for name, value in lines.items())


def _carried_twice(left: Left) -> int:
    ids = [event.id for event in (*left.discovered, *left.revised)]
    return len(ids) - len(set(ids))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A simulated year of polling, with its proof.")
    parser.add_argument("--articles", type=int, default=4_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--faults", type=float, default=0.05, help="share of faulty answers")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1, help="the same seed plays the same year")
    parser.add_argument(
        "--late-matches", type=int, default=20,
        help="articles that match the query only once they are indexed, weeks after their entry",
    )  # fmt: skip
    parser.add_argument("--database", help="SQLAlchemy URL; an SQLite file unless given")
    parser.add_argument("--folder", type=Path, help="keep files and logs there")
    return parser.parse_args()


def main() -> int:
    options = _options()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="carillon-year-"))
    database = options.database or f"sqlite+aiosqlite:///{folder}/poller.db"
    world = World(
        options.seed, options.articles, options.days, options.faults, options.late_matches
    )
    result = asyncio.run(simulate(Year(world, options.kills, folder, database)))
    sys.stdout.write(f"{table(result)}\n")
    for complaint in result.complaints:
        sys.stdout.write(f"WRONG: {complaint}\n")
    sys.stdout.write(f"files in {folder}\n")
    return 1 if result.complaints else 0


if __name__ == "__main__":
    raise SystemExit(main())
