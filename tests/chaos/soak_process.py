"""A service's own `main`, with somebody beside it who counts what the process holds.

    python -m tests.chaos.soak_process NAME FILE SECONDS [PLANTED...]

Every SECONDS a line of JSON goes to FILE (`Sample`). The service knows nothing of it: `asyncio.run`
is wrapped before its `main` is called. PLANTED are leaks put into the handler, to see them found.
"""

import asyncio
import gc
import importlib
import itertools
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

KINDS = 30
"""So many kinds of objects are named in a sample, the most frequent ones."""
KINDS_EVERY = 10
"""Samples, of which one names them: while it counts, the service answers nobody."""


def main() -> None:
    """Run the service named on the command line, counted."""
    name, path, seconds, *planted = sys.argv[1:]
    app = importlib.import_module(f"services.{name}.app")
    if planted:
        from tests.chaos import soak_leaks  # noqa: PLC0415  not there when nothing is planted

        soak_leaks.plant(app, planted)
    run = asyncio.run

    def counted(work: Coroutine[Any, Any, Any]) -> Any:
        return run(_beside(work, Path(path), float(seconds)))

    asyncio.run = counted  # type: ignore[assignment]
    app.main()


async def _beside(work: Coroutine[Any, Any, Any], path: Path, seconds: float) -> None:
    counting = asyncio.create_task(_count(path, seconds), name="soak")
    try:
        await work
    finally:
        counting.cancel()


async def _count(path: Path, seconds: float) -> None:
    with path.open("a", encoding="ascii") as lines:
        for number in itertools.count():
            lines.write(json.dumps(sample(with_kinds=number % KINDS_EVERY == 0)) + "\n")
            lines.flush()
            await asyncio.sleep(seconds)


def sample(*, with_kinds: bool = False) -> dict[str, Any]:
    """What this process holds now; memory in MB, as the kernel tells it (proc_pid_smaps(5))."""
    gc.collect()
    objects = gc.get_objects()
    counted = Counter(type(one).__name__ for one in objects if with_kinds)
    links = _links()
    return {
        "at": time.time(),
        "rss": _memory("Rss:"),
        "own": _memory("Private_Clean:") + _memory("Private_Dirty:"),
        "objects": len(objects),
        "fds": len(links),
        "sockets": sum(link.startswith("socket:") for link in links),
        "threads": threading.active_count(),
        "tasks": len(asyncio.all_tasks()),
        "kinds": dict(counted.most_common(KINDS)),
    }


def _memory(field: str) -> float:
    for line in Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    return 0.0


def _links() -> list[str]:
    return [link for fd in os.listdir("/proc/self/fd") if (link := _link(fd))]  # noqa: PTH208


def _link(fd: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{fd}")  # noqa: PTH115  what it names is no file
    except OSError:  # the listing's own descriptor, closed meanwhile
        return ""


if __name__ == "__main__":
    main()
