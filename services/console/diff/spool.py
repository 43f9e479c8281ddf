"""What a comparison needs of an archive, in a file of its own that goes when it is done: SQL only.

So memory stays as it is however long the archive, and events may come in any order. Instants are
microseconds since 1970, bodies are compressed.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from services.console.diff.results import Results, instant, micro, pack, unpack

_TABLES = """
pragma journal_mode = off;
pragma synchronous = off;
pragma cache_size = -16000;
create table entries (
    no integer primary key, id text unique not null, position integer not null, at integer not null,
    topic text not null, pmid integer not null, chosen integer not null, body blob not null,
    before blob, after blob);
create table orphans (
    cause text primary key, position integer not null, at integer not null,
    topic text not null, pmid integer not null, chosen integer not null, body blob not null);
create table recorded (cause text primary key, at integer not null, outcome blob not null);
create table told (subscription text not null, pmid integer not null);
create table faults (position integer not null, id text not null, reason text not null);
"""
BATCH = 500
"""Rows that are read in one go."""


@dataclass(frozen=True, slots=True)
class Found:
    """A discovery or revision as read from the archive; what is not `chosen` comes before it."""

    event_id: str
    position: int
    at: datetime
    topic: str
    pmid: int
    chosen: bool
    body: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """A discovery or revision with what both sides made of it, as `Spool.answer` was given it.

    `at` is when its classification was recorded, or it was itself where none is.
    """

    no: int
    event_id: str
    position: int
    at: datetime
    pmid: int
    chosen: bool
    body: bytes
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True, slots=True)
class Fault:
    """An entry of the archive that cannot be read."""

    position: int
    event_id: str
    reason: str


class Spool:
    """The tables, one comparison long."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._database.executescript(_TABLES)
        self.results = Results(database)

    def find(self, one: Found) -> None:
        """Keep a discovery or revision; of one that comes again the later text, at its place."""
        self._database.execute(
            "insert into entries (id, position, at, topic, pmid, chosen, body)"
            " values (?, ?, ?, ?, ?, ?, ?)"
            " on conflict (id) do update set body = excluded.body",
            _row(one),
        )

    def record(self, cause: str, at: datetime, outcome: bytes, orphan: Found | None) -> None:
        """Keep a recorded classification: of several of one cause the last.

        `orphan`, where there is one, stands for its cause, should the archive not have that.
        """
        self._database.execute(
            "insert or replace into recorded values (?, ?, ?)", (cause, micro(at), pack(outcome))
        )
        if orphan and not self._has(cause):
            self._database.execute(
                "insert or replace into orphans values (?, ?, ?, ?, ?, ?, ?)", _row(orphan)
            )

    def _has(self, event_id: str) -> bool:
        row = self._database.execute("select 1 from entries where id = ?", (event_id,)).fetchone()
        return row is not None

    def tell(self, subscription: str, pmids: Iterable[int]) -> None:
        """Keep what a subscription was sent."""
        rows = [(subscription, pmid) for pmid in pmids]
        self._database.executemany("insert into told values (?, ?)", rows)

    def fault(self, one: Fault) -> None:
        """Keep an entry that cannot be read."""
        row = (one.position, one.event_id, one.reason)
        self._database.execute("insert into faults values (?, ?, ?)", row)

    def adopt(self) -> int:
        """Let classifications stand for discoveries that are not there; how many were chosen."""
        self._database.execute(
            "delete from orphans where exists (select 1 from entries where id = cause)"
        )
        adopted = self._number("select count(*) from orphans where chosen")
        self._database.execute(
            "insert into entries (id, position, at, topic, pmid, chosen, body)"
            " select cause, position, at, topic, pmid, chosen, body from orphans order by position"
        )
        self._database.execute("drop table orphans")
        return adopted or 0

    def keep_last(self, number: int | None) -> None:
        """Of what is chosen only the last `number`, where one is given; then what it needs."""
        if number is not None:
            self._database.execute(
                "update entries set chosen = 0 where chosen and no not in"
                " (select no from entries where chosen order by position desc, no desc limit ?)",
                (number,),
            )

    def forget_strangers(self) -> None:
        """Drop what comes before nothing that is chosen."""
        self._database.execute(
            "delete from entries where (topic, pmid) not in"
            " (select topic, pmid from entries where chosen)"
        )
        self._database.execute("create index by_article on entries (topic, pmid, position, no)")
        self._database.execute("create index by_pmid on entries (pmid)")

    def chosen(self) -> Iterator[list[tuple[int, bytes, bytes | None]]]:
        """Number, event and recorded outcome of each chosen entry, in batches."""
        yield from self._batches(
            "select e.no, e.body, r.outcome from entries e left join recorded r on r.cause = e.id"
            " where e.chosen and e.no > ? order by e.no limit ?",
        )

    def answer(self, answers: Iterable[tuple[int, bytes | None, bytes | None, bool]]) -> None:
        """Keep what both sides made of entries, by number, and whether they are still chosen."""
        rows = [(_packed(old), _packed(new), chosen, no) for no, old, new, chosen in answers]
        statement = "update entries set before = ?, after = ?, chosen = ? where no = ?"
        self._database.executemany(statement, rows)

    def answered(self) -> Iterator[Answered]:
        """Every entry, article by article in the order of publishing.

        Of what is not chosen `before` is what was recorded, and there is no `after`.
        """
        rows = self._database.execute(
            "select e.no, e.id, e.position, coalesce(r.at, e.at), e.pmid, e.chosen, e.body,"
            " case when e.chosen then e.before else r.outcome end, e.after"
            " from entries e left join recorded r on r.cause = e.id"
            " order by e.topic, e.pmid, e.position, e.no"
        )
        for no, event_id, position, at, pmid, chosen, body, before, after in rows:
            yield Answered(
                no, event_id, position, instant(at), pmid, bool(chosen),
                unpack(body), _unpacked(before), _unpacked(after),
            )  # fmt: skip

    def of(self, pmids: Iterable[int]) -> Iterator[tuple[int, bytes | None, bytes | None]]:
        """What both sides made of the latest chosen entry about each of these articles."""
        for pmid in pmids:
            row = self._database.execute(
                "select before, after from entries where chosen and pmid = ?"
                " order by position desc, no desc limit 1",
                (pmid,),
            ).fetchone()
            if row:
                yield pmid, _unpacked(row[0]), _unpacked(row[1])

    def told(self) -> dict[str, list[int]]:
        """What each subscription was sent, by its id."""
        found: dict[str, list[int]] = {}
        for subscription, pmid in self._database.execute("select distinct * from told"):
            found.setdefault(subscription, []).append(pmid)
        return found

    def faults(self) -> list[Fault]:
        """The entries that cannot be read."""
        rows = self._database.execute("select * from faults order by position")
        return [Fault(*row) for row in rows]

    def first(self) -> datetime | None:
        """When the first chosen entry was published."""
        at = self._number("select min(at) from entries where chosen")
        return None if at is None else instant(at)

    def _batches(self, statement: str) -> Iterator[list[tuple[int, bytes, bytes | None]]]:
        last = -1
        while rows := self._database.execute(statement, (last, BATCH)).fetchall():
            last = rows[-1][0]
            yield [(no, unpack(body), _unpacked(found)) for no, body, found in rows]

    def _number(self, statement: str) -> int | None:
        found: int | None = self._database.execute(statement).fetchone()[0]
        return found


@contextmanager
def open_spool() -> Iterator[Spool]:
    """A spool in a folder that is removed afterwards."""
    with (
        TemporaryDirectory(prefix="carillon-diff-") as folder,
        closing(sqlite3.connect(Path(folder) / "spool.db")) as database,
    ):
        yield Spool(database)


def _row(one: Found) -> Sequence[object]:
    return (
        one.event_id, one.position, micro(one.at), one.topic, one.pmid, one.chosen,
        pack(one.body),
    )  # fmt: skip


def _packed(body: bytes | None) -> bytes | None:
    return None if body is None else pack(body)


def _unpacked(body: bytes | None) -> bytes | None:
    return None if body is None else unpack(body)
