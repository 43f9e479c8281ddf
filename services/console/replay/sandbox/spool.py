"""What a sandbox is fed with, on disk and in the order of time: memory does not grow with it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

_TICK = timedelta(microseconds=1)
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Spooled:
    """An event to feed, and the instant at which it came."""

    position: int
    at: datetime
    event_id: str
    type: str
    routing_key: str
    body: bytes


class Spool:
    """Events by their time; of one time in the order of the archive."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.execute("PRAGMA synchronous=OFF")
        database.execute(
            "CREATE TABLE fed (position INTEGER, at INTEGER, id TEXT PRIMARY KEY, type TEXT, "
            "key TEXT, body BLOB)"
        )

    def add(self, one: Spooled) -> bool:
        """Take it in; False when an event of that id is here.

        That one gets the later text then, at its place: an operator has edited it, as its consumer
        did not take the first.
        """
        row = (
            one.position,
            (one.at - _EPOCH) // _TICK,
            one.event_id,
            one.type,
            one.routing_key,
            one.body,
        )
        done = self._database.execute("INSERT OR IGNORE INTO fed VALUES (?, ?, ?, ?, ?, ?)", row)
        if done.rowcount != 1:
            later = (one.type, one.routing_key, one.body, one.event_id)
            self._database.execute("UPDATE fed SET type = ?, key = ?, body = ? WHERE id = ?", later)
        return done.rowcount == 1

    def replace(self, event_id: str, body: bytes) -> None:
        """Give an event another body."""
        self._database.execute("UPDATE fed SET body = ? WHERE id = ?", (body, event_id))

    def of_key(self, routing_key: str) -> Iterator[Spooled]:
        """The events of one kind, read before any is given: they may be replaced."""
        query = "SELECT * FROM fed WHERE key = ? ORDER BY at, position"
        yield from map(_spooled, self._database.execute(query, (routing_key,)).fetchall())

    def in_order(self) -> Iterator[Spooled]:
        """All of them."""
        yield from map(_spooled, self._database.execute("SELECT * FROM fed ORDER BY at, position"))


def _spooled(row: tuple[int, int, str, str, str, bytes]) -> Spooled:
    position, at, event_id, kind, key, body = row
    return Spooled(position, _EPOCH + at * _TICK, event_id, kind, key, body)


@contextmanager
def opened_spool(folder: Path) -> Iterator[Spool]:
    """An empty spool in `folder`."""
    with closing(sqlite3.connect(folder / "spool.db", isolation_level=None)) as database:
        yield Spool(database)
