"""What a comparison found, in the file of its spool: SQL only."""

import sqlite3
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

_TABLES = """
create table differences (position integer not null, body blob not null);
create table arrivals (no integer primary key, at integer not null, body blob not null);
create table digests (no integer primary key, body blob not null);
"""
_EPOCH = datetime.fromtimestamp(0, UTC)
_MICROSECOND = timedelta(microseconds=1)


class Results:
    """Differences, and what they are found from, as JSON."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._database.executescript(_TABLES)

    def differ(self, position: int, body: bytes) -> None:
        """Keep a difference of an article."""
        self._database.execute("insert into differences values (?, ?)", (position, pack(body)))

    def differences(self) -> Iterator[bytes]:
        """The differences of articles, in the order of publishing."""
        rows = self._database.execute("select body from differences order by position, rowid")
        yield from (unpack(body) for (body,) in rows)

    def arrive(self, at: datetime, body: bytes) -> None:
        """Keep what both sides know of an article from then on."""
        row = (micro(at), pack(body))
        self._database.execute("insert into arrivals (at, body) values (?, ?)", row)

    def arrivals(self) -> Iterator[bytes]:
        """What was kept by `arrive`, in time."""
        rows = self._database.execute("select body from arrivals order by at, no")
        yield from (unpack(body) for (body,) in rows)

    def digest(self, body: bytes) -> None:
        """Keep a difference of a digest."""
        self._database.execute("insert into digests (body) values (?)", (pack(body),))

    def digests(self) -> Iterator[bytes]:
        """The differences of digests, as they were kept."""
        rows = self._database.execute("select body from digests order by no")
        yield from (unpack(body) for (body,) in rows)


def pack(body: bytes) -> bytes:
    """Compressed, fast rather than small."""
    return zlib.compress(body, 1)


def unpack(body: bytes) -> bytes:
    """The other way round."""
    return zlib.decompress(body)


def micro(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def instant(microseconds: int) -> datetime:
    """The other way round, in UTC."""
    return _EPOCH + microseconds * _MICROSECOND
