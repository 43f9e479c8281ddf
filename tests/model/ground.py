"""What the machines stand on: stores that are quick to copy, and processes that die at a commit.

A process that dies does so before a commit: SQLite's commits are the only moments at which its
state changes, so nothing between two of them can be told apart from outside.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database import make_engine
from shared.migrate import upgrade

SERVICES = ("poller", "classifier", "notifier", "console")


class Killed(BaseException):
    """The process is gone: nothing may catch this."""


@dataclass(eq=False)
class Fate:
    """Kills before the commit that it is set to, counted from 1; 0 is never.

    Who is dead commits nothing more, until another process takes its place.
    """

    left: int = 0
    is_dead: bool = False

    def __call__(self, _connection: object) -> None:
        if self.left:
            self.left -= 1
            self.is_dead = not self.left
        if self.is_dead:
            raise Killed


@dataclass(frozen=True)
class Store:
    """One service's database as one process holds it, and the fate of that process."""

    engine: AsyncEngine
    fate: Fate = field(default_factory=Fate)

    @contextmanager
    def dying_at(self, commit: int) -> Iterator[None]:
        """The process dies in this block, if it comes to so many commits. It is survived here."""
        self.fate.left = commit
        try:
            yield
        except* Killed:
            pass
        finally:
            self.fate.left, self.fate.is_dead = 0, False


@dataclass
class Ground:
    """A folder of migrated stores, and the copies made of them.

    `steps` counts all that is done, and `met` how often what matters came about.
    """

    folder: Path
    steps: int = 0
    copies: list[Path] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)

    def life(self) -> Path:
        """New copies, in memory where the machine has a file system for that."""
        memory = Path("/dev/shm")  # noqa: S108  only copies of empty stores, in a folder of its own
        root = memory if memory.is_dir() else None
        copy = Path(tempfile.mkdtemp(prefix="carillon-model-", dir=root))
        self.copies.append(copy)
        for name in SERVICES:
            shutil.copy(self.folder / f"{name}.db", copy)
        return copy

    def run(self, machine: type[RuleBasedStateMachine], profile: settings) -> None:
        """Let a machine live as often as the profile says, and print how many steps that were."""
        before = self.steps
        run_state_machine_as_test(machine, settings=profile)
        met = ", ".join(f"{number} {what}" for what, number in sorted(self.met.items()))
        self.met.clear()
        print(f"{machine.__mro__[1].__name__}: {self.steps - before} steps; {met}")  # noqa: T201

    def clear(self) -> None:
        """Nothing is left of a life but its steps; here goes what one that broke left behind."""
        for folder in (self.folder, *self.copies):
            shutil.rmtree(folder, ignore_errors=True)


async def prepared(folder: Path) -> None:
    """Every service's tables, in a file of its own."""
    for name in SERVICES:
        engine = make_engine(f"sqlite+aiosqlite:///{folder}/{name}.db")
        await upgrade(engine, name)
        await engine.dispose()


def opened(life: Path, name: str) -> Store:
    """A store as a process opens it. What is to survive a power cut is not waited for here."""
    engine = make_engine(f"sqlite+aiosqlite:///{life}/{name}.db")
    store = Store(engine)
    sa.event.listen(engine.sync_engine, "connect", _hastily)
    sa.event.listen(engine.sync_engine, "commit", store.fate)
    return store


def _hastily(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.close()
