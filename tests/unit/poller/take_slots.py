"""Run as a process: takes slots from a database's pace and writes when each began.

Arguments: database URL, API key (or "-"), seconds, tasks. Begins when a line comes in.
"""

import asyncio
import sys
import time

from services.poller.pace import shared_limiter
from shared.database import make_engine


async def take(url: str, key: str | None, seconds: float, tasks: int) -> list[float]:
    engine = make_engine(url)
    limiter = shared_limiter(engine, key)
    starts: list[float] = []
    end = time.time() + seconds

    async def work() -> None:
        while time.time() < end:
            await limiter.slot()
            starts.append(time.time())

    await asyncio.gather(*(work() for _ in range(tasks)))
    await engine.dispose()
    return starts


if __name__ == "__main__":
    url, key, seconds, tasks = sys.argv[1:]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    starts = asyncio.run(take(url, None if key == "-" else key, float(seconds), int(tasks)))
    sys.stdout.write("".join(f"{start}\n" for start in starts))
