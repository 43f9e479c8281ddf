"""A backup: everything that a new installation needs, as it was at one instant, in a folder.

The stores come first, the archive after them: what had left an outbox by that instant is in one of
the two. So nothing is stopped for a backup, and nothing of it has to be taken out of a queue.
"""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from services.console.archive.stream import Stream
from services.console.keeping import at_postgres, at_sqlite, events
from services.console.keeping.manifest import Manifest, write
from services.console.stores import deployed_stores
from shared.clock import Clock
from shared.errors import ConfigurationError

ARCHIVE = "archive.jsonl.gz"


async def back_up_deployment(
    database_url: str, stream: Stream, folder: Path, clock: Clock
) -> Manifest:
    """The stores and the archive of a deployment, which goes on meanwhile.

    Raises:
        Away: database or broker cannot be reached; there is no folder then.
        ConfigurationError: the folder is there already, or nothing was ever installed.
    """
    with _made(folder) as place:
        taken_at = clock()
        stores = deployed_stores(database_url, statement_seconds=None)
        try:
            dumped = await at_postgres.dump(stores.poller, place)
        finally:
            await stores.close()
        archive = await events.write(stream.read(), place / ARCHIVE)
        manifest = Manifest(
            version=version("carillon"),
            kind="postgresql",
            taken_at=taken_at,
            stores=dumped,
            archive=archive,
        )
        write(place, manifest)
    return manifest


async def back_up_embedded(state: Path, folder: Path, clock: Clock) -> Manifest:
    """The stores under `state`, the bus with its archive and queues among them.

    Raises:
        Away: a store is locked for too long; there is no folder then.
        ConfigurationError: the folder is there already, or nothing ever ran.
    """
    with _made(folder) as place:
        taken_at = clock()
        dumped = await asyncio.to_thread(at_sqlite.dump, state, place)
        manifest = Manifest(
            version=version("carillon"), kind="sqlite", taken_at=taken_at, stores=dumped
        )
        write(place, manifest)
    return manifest


@contextmanager
def _made(folder: Path) -> Iterator[Path]:
    """A folder that has its name only when it is whole; addresses are in it, so it is closed."""
    if folder.exists():
        raise ConfigurationError(f"{folder} is there already: give each backup a name of its own")
    place = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(place, ignore_errors=True)
    try:
        place.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise ConfigurationError(f"{place} cannot be made: {error.strerror}") from error
    try:
        yield place
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    place.rename(folder)
