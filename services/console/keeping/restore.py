"""A restore: an empty installation becomes what the backup was, with sending held.

The database comes in one transaction, which is committed last: what breaks off leaves it empty,
and done again it goes on, as the archive takes only what is of this very backup.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.console.archive.importing import import_embedded, import_stream
from services.console.archive.lines import read_file, verify
from services.console.archive.publishing import opened_channel
from services.console.archive.recorded import Recorded
from services.console.archive.stream import Stream
from services.console.keeping import at_postgres, at_sqlite, events, into_archive
from services.console.keeping.into_archive import batches
from services.console.keeping.manifest import Kind, Manifest, read
from services.console.keeping.on_the_way import dropped, on_the_way
from services.console.keeping.sent_since import sent_since
from services.console.stores import deployed_stores, embedded_url
from services.notifier import evidence, hold
from services.notifier.hold import Hold
from shared.broker import declare_topology
from shared.clock import Clock
from shared.database import make_engine, transaction
from shared.errors import ConfigurationError
from shared.migrate import upgrade


@dataclass(frozen=True)
class Restored:
    """What came of it. `handed_on` were between the services, `archived` came into the archive.

    `sent_since` are digests of which the archives say that they were sent after the backup.
    """

    manifest: Manifest
    archived: int
    handed_on: int
    sent_since: int


@dataclass(frozen=True)
class Source:
    """A backup's folder, and a file that was recorded from the old archive later, if there is."""

    folder: Path
    manifest: Manifest
    later: Path | None = None

    async def entries(self) -> AsyncIterator[Recorded]:
        """The events of both, the backup's first."""
        if self.manifest.archive is not None:
            for entry in events.read(self.folder / self.manifest.archive.file):
                yield entry
        if self.later is not None:
            async for entry in read_file(self.later):
                yield entry


def opened(folder: Path, kind: Kind, later: Path | None) -> Source:
    """A backup that can be restored, all its files checked, and the file that goes with it.

    Raises:
        ConfigurationError: it is none, of a newer Carillon, of the other kind, or damaged.
    """
    manifest = read(folder)
    if manifest.kind != kind:
        names = {"postgresql": "a deployment", "sqlite": "the embedded mode"}
        raise ConfigurationError(
            f"{folder} is a backup of {names[manifest.kind]}, and this is {names[kind]}"
        )
    if later is not None:
        verify(later)
    return Source(folder, manifest, later)


async def restore_deployment(
    database_url: str, stream: Stream, source: Source, clock: Clock
) -> Restored:
    """Into an empty database and an empty virtual host; services must not run yet.

    Raises:
        ConfigurationError: one of them is not empty.
        Away: database or broker cannot be reached; done again, it goes on.
    """
    await declare_topology(stream.url)
    stores = deployed_stores(database_url, statement_seconds=None)
    try:
        async with transaction(stores.notifier) as connection:
            await at_postgres.require_empty(connection)
            await at_postgres.load(connection, source.folder, source.manifest.stores)
            believed = await _hold(connection, source, clock)
            archived = handed_on = 0
            if source.manifest.archive is not None:
                path = source.folder / source.manifest.archive.file
                archived = await into_archive.fill(stream, path, source.later)
                handed_on = await _hand_on(connection, stream.url, path)
            if source.later is not None:
                archived += (await import_stream(source.later, stream)).taken
    finally:
        await stores.close()
    return Restored(source.manifest, archived, handed_on, believed)


async def _hold(connection: AsyncConnection, source: Source, clock: Clock) -> int:
    """Hold sending; how many digests the archives say were sent since. In the same transaction."""
    taken_at = source.manifest.taken_at
    reason = f"restored from a backup of {taken_at:%Y-%m-%d %H:%M} UTC"
    await hold.put(connection, Hold(str(uuid4()), reason, taken_at, clock()))
    return await evidence.believe(connection, await sent_since(source.entries(), taken_at))


async def _hand_on(connection: AsyncConnection, url: str, path: Path) -> int:
    gone = {one for batch in batches(path) for one in dropped(batch)}
    given = set[tuple[str, str]]()
    async with opened_channel(url) as channel:
        for batch in batches(path):
            found = {
                (one.consumer, one.entry.event_id): one
                for one in await on_the_way(connection, batch, gone)
            }
            fresh = [one for key, one in found.items() if key not in given]
            given |= found.keys()
            await into_archive.hand_on(channel, fresh)
    return len(given)


async def restore_embedded(state: Path, source: Source, clock: Clock) -> Restored:
    """Into a folder where nothing ever ran. Bus and queues are part of the backup as they were.

    Raises:
        ConfigurationError: something ran there.
    """
    at_sqlite.require_empty(state)
    archived = 0
    with at_sqlite.prepared(state, source.folder, source.manifest.stores) as place:
        for service in at_sqlite.FILES:
            async with _store(place, service) as engine:
                await upgrade(engine, service)
        async with _store(place, "notifier") as engine, transaction(engine) as connection:
            believed = await _hold(connection, source, clock)
        if source.later is not None:
            async with _store(place, "console") as engine:
                archived = (await import_embedded(source.later, engine)).taken
    return Restored(source.manifest, archived, 0, believed)


@asynccontextmanager
async def _store(place: Path, service: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(embedded_url(place, Path(at_sqlite.FILES[service]).stem))
    try:
        yield engine
    finally:
        await engine.dispose()
