"""The long run: `python -m tests.chaos [--seed N] [--articles N] [--subscriptions N] [--faults N]`.

Exit code 1 when anything contradicts what is promised; the folder with all logs is named then.
"""

import argparse
import asyncio
import logging
import secrets
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.auditor import table
from tests.chaos.run import judge_again, run
from tests.chaos.stage import engines
from tests.chaos.world import Plan


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The whole line under fire, and its verdict.")
    parser.add_argument("--seed", type=int, help="the same seed plays the same plan")
    parser.add_argument("--articles", type=int, default=10_000)
    parser.add_argument("--subscriptions", type=int, default=200)
    parser.add_argument("--faults", type=int, default=300)
    parser.add_argument("--faster", type=float, default=10.0, help="the services' own waits")
    parser.add_argument("--folder", type=Path, help="keep logs, journal and mails there")
    parser.add_argument("--judge", type=Path, metavar="FOLDER", help="judge an earlier run again")
    return parser.parse_args()


def main() -> int:
    given = _options()
    if given.judge:
        verdict = judge_again(given.judge)
        say(table(verdict, {}))
        return 0 if verdict.is_good else 1
    seed = given.seed if given.seed is not None else secrets.randbelow(1_000_000)
    say(f"seed {seed}")
    # What the broker's client has to say of each fault is not news.
    logging.getLogger().addHandler(logging.NullHandler())
    folder = given.folder or Path(tempfile.mkdtemp(prefix="carillon-chaos-"))
    plan = Plan(seed, given.articles, given.subscriptions, given.faults)
    started = time.monotonic()
    with engines() as both:
        ran = asyncio.run(run(plan, folder, both, given.faster, say))
    more = {"seed": seed, **ran.told(), "wall time": f"{time.monotonic() - started:.0f} s"}
    told = table(ran.verdict, more)
    (folder / "verdict.txt").write_text(f"{told}\n", encoding="utf-8")
    say(told)
    say(f"files in {folder}")
    return 0 if ran.verdict.is_good else 1


def say(line: str) -> None:
    """A line for who watches."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
