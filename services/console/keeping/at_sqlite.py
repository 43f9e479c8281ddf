"""The embedded stores: SQLite's own copies of its files, all as they are at one instant.

The write locks are taken in the order in which an event travels, as the line takes them: a relay
holds its outbox while it gives to the bus. While all are held nothing can change; readers go on.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from services.console.keeping.manifest import Part, StoreDump, sha256
from shared.errors import Away, ConfigurationError, Permanent

FILES = {
    "poller": "poller.db",
    "classifier": "classifier.db",
    "notifier": "notifier.db",
    "console": "bus.db",
}
"""The file of each service's tables under the state folder, in the order of their locks."""

WAIT_SECONDS = 60.0


def dump(state: Path, folder: Path) -> dict[str, StoreDump]:
    """Every store as it is at one instant.

    Raises:
        Away: a store is locked for too long.
        ConfigurationError: there is nothing yet.
    """
    missing = [name for name in FILES.values() if not (state / name).is_file()]
    if missing:
        raise ConfigurationError(f"there is no {missing[0]} in {state}/: nothing ever ran there")
    with _faults(), ExitStack() as held:
        for name in FILES.values():
            held.enter_context(_locked(state / name))
        for name in FILES.values():
            _copy(state / name, folder / name)
    return {service: _described(folder / name) for service, name in FILES.items()}


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise Away(f"database: {error}") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(target)) as copy:
        original.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
    target.chmod(0o600)


def _described(path: Path) -> StoreDump:
    with closing(sqlite3.connect(path)) as connection:
        well = connection.execute("PRAGMA quick_check").fetchone()[0]
        if well != "ok":
            raise Permanent(f"{path.name} is damaged: {well}")
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        counts = {
            name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608
            for (name,) in sorted(names)
            if not name.startswith("sqlite_")
        }
        revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
    whole = Part(file=path.name, sha256=sha256(path), rows=sum(counts.values()))
    return StoreDump(revision=revision, whole=whole, counts=counts)


def require_empty(state: Path) -> None:
    """Make sure that nothing ever ran in this folder.

    Raises:
        ConfigurationError: something did.
    """
    for name in FILES.values():
        if (state / name).exists():
            raise ConfigurationError(
                f"{state / name} is there already: restore into another folder "
                "(--state); a restore never adds to what is there"
            )


@contextmanager
def prepared(state: Path, folder: Path, stores: dict[str, StoreDump]) -> Iterator[Path]:
    """A folder with copies of the files, to be brought up to date; in place when the block ends.

    The poller's is put there last: with it the state counts as one.
    """
    waiting = state / ".restoring"
    shutil.rmtree(waiting, ignore_errors=True)
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    waiting.mkdir()
    for store in stores.values():
        if store.whole:
            shutil.copyfile(folder / store.whole.file, waiting / store.whole.file)
    yield waiting
    for name in reversed(FILES.values()):
        (waiting / name).replace(state / name)
    shutil.rmtree(waiting)
