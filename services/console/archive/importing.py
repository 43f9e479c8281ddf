"""A recorded file into an archive: what is there already is left as it is."""

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.archive.lines import read_file
from services.console.archive.publishing import BATCH, Onward, opened_channel, publish_all
from services.console.archive.recorded import Recorded
from services.console.archive.stream import Stream
from services.console.bus import archive
from shared import topology
from shared.database import insert, transaction
from shared.errors import Permanent
from shared.events import Undecodable


@dataclass
class Imported:
    """How many were taken in, were there already, and are no event that can be read."""

    taken: int = 0
    known: int = 0
    refused: int = 0


async def import_embedded(file: Path, engine: AsyncEngine) -> Imported:
    """Into the bus's archive. Nothing is given to a consumer: it is the past.

    Ids are the same for the same facts: so each is marked, and its event, should it be published
    here later, is not taken for one that was delivered.

    Raises:
        ConfigurationError: the file is not whole, or of a newer Carillon.
        Retryable: the archive is locked for too long.
    """
    done = Imported()
    async for batch in _batches(file, done):
        async with transaction(engine) as connection:
            for entry in batch:
                seq = await connection.scalar(
                    insert(connection, archive)
                    .values(**_row(entry))
                    .on_conflict_do_nothing(index_elements=["event_id"])
                    .returning(archive.c.seq)
                )
                done.taken += seq is not None
                done.known += seq is None
    return done


def _row(entry: Recorded) -> dict[str, object]:
    return {
        "event_id": entry.event_id,
        "type": entry.type,
        "routing_key": entry.routing_key,
        "body": entry.body,
        "published_at": entry.published_at,
        "imported": True,
    }


async def import_stream(file: Path, stream: Stream) -> Imported:
    """Into the deployment's archive, and only there: no consumer is bound to its exchange.

    The stream is read first, for the ids it has; those of the file are kept on disk meanwhile.

    Raises:
        ConfigurationError: the file is not whole, or of a newer Carillon.
        Away: the broker cannot be reached. What was published stays; the same import goes on.
        Permanent: the archive refuses an event.
    """
    done = Imported()
    with opened_ids() as missing:
        async for entries in _batches(file, Imported()):
            missing.add(entries)
        async for entry in stream.read():
            missing.remove(entry.event_id)
        async with opened_channel(stream.url) as channel:
            async for entries in _batches(file, done):
                new = [entry for entry in entries if missing.remove(entry.event_id)]
                faults = await publish_all(
                    channel, topology.ARCHIVE_EXCHANGE, [_onward(entry) for entry in new]
                )
                if fault := next(filter(None, faults), None):
                    raise Permanent(f"the archive refuses an event: {type(fault).__name__}")
                done.taken += len(new)
                done.known += len(entries) - len(new)
    return done


def _onward(entry: Recorded) -> Onward:
    return Onward(entry.routing_key, entry.event_id, entry.type, entry.body)


async def _batches(file: Path, done: Imported) -> AsyncIterator[list[Recorded]]:
    batch: list[Recorded] = []
    async for entry in read_file(file):
        try:
            entry.event()
            batch.append(entry.today())
        except Undecodable:
            done.refused += 1
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


class Ids:
    """Ids of events in a file on disk, so that memory does not grow with their number."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute("CREATE TABLE ids (id TEXT PRIMARY KEY) WITHOUT ROWID")

    def add(self, entries: Sequence[Recorded]) -> None:
        """Note the ids of these."""
        rows = [(entry.event_id,) for entry in entries]
        self._connection.executemany("INSERT OR IGNORE INTO ids VALUES (?)", rows)

    def remove(self, event_id: str) -> bool:
        """Whether it was there."""
        return bool(self._connection.execute("DELETE FROM ids WHERE id = ?", (event_id,)).rowcount)


@contextmanager
def opened_ids() -> Iterator[Ids]:
    """None yet; forgotten when the block ends."""
    with (
        TemporaryDirectory(prefix="carillon-import-") as folder,
        closing(sqlite3.connect(Path(folder) / "ids.db")) as connection,
    ):
        yield Ids(connection)
