"""A warm process that forks others, each for one life: imports take longer than the life itself.

    python -m tests.chaos.crash.zygote

It has one thread and no event loop, so that a fork is sound; a child makes its own loop, engines
and connections. Orders and answers are lines of JSON.
"""

import asyncio
import gc
import json
import logging
import os
import signal
import sys
import traceback
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from tests.chaos.crash.hooks import hang_on
from tests.chaos.crash.lives import LIVES, Given
from tests.chaos.crash.points import Points

LONGEST_LIFE = 60
"""Seconds. A life that hangs is ended by SIGALRM, and counts as broken."""

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Ended:
    """How a life ended: killed at its point, or at its own end with all points that it passed."""

    was_killed: bool
    passed: tuple[str, ...] = ()


class Broken(AssertionError):
    """A life ended in a way that nobody ordered."""


class Zygote:
    """The parent's side: orders one life at a time."""

    _process: asyncio.subprocess.Process

    async def __aenter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="carillon-crash-")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", __name__, cwd=ROOT,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**20,
        )  # fmt: skip
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        await self._process.wait()
        self._folder.cleanup()

    async def live(self, life: str, given: Given, kill_at: str | None = None) -> Ended:
        """One life of a process, to its own end or to that point.

        Raises:
            Broken: it ended otherwise; with what it said.
        """
        report = Path(self._folder.name) / "report.json"
        report.unlink(missing_ok=True)
        order = {"life": life, "given": asdict(given), "kill_at": kill_at, "report": str(report)}
        status = await self._ask(json.dumps(order, default=datetime.isoformat))
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL and kill_at:
            return Ended(was_killed=True)
        said = json.loads(report.read_text()) if report.exists() else {}
        if status != 0:
            raise Broken(f"{life}: status {status}: {said.get('error', 'it says nothing')}")
        return Ended(was_killed=False, passed=tuple(said["passed"]))

    async def _ask(self, order: str) -> int:
        if self._process.stdin is None or self._process.stdout is None:
            raise Broken("the zygote has no pipes")
        self._process.stdin.write(order.encode() + b"\n")
        await self._process.stdin.drain()
        return int(await self._process.stdout.readline())


def _live(order: dict[str, Any]) -> int:
    """In the child: the life, and a report of it. The exit code."""
    signal.alarm(LONGEST_LIFE)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # logs go there; answers are the parent's
    points = Points(order["kill_at"])
    hang_on(points)
    now = datetime.fromisoformat(order["given"].pop("now"))
    report = Path(order["report"])
    try:
        asyncio.run(LIVES[order["life"]](Given(**order["given"], now=now), points))
    except BaseException:  # noqa: BLE001  told to the parent, whatever it is
        report.write_text(json.dumps({"error": traceback.format_exc()}))
        return 1
    report.write_text(json.dumps({"passed": points.passed}))
    return 0


def main() -> None:
    """Fork a child for each order until there are no more."""
    logging.disable(logging.CRITICAL)
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(_live(json.loads(line)))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
