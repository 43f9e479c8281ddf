"""One way to PostgreSQL and SQLite: the same tables, the same statements, the same faults.

A service's tables live in a schema of its name. SQLite has no schemas: there each service has a
file of its own, and the schema is translated away.
"""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared import committing
from shared.errors import Away, Permanent, Retryable
from shared.unquoted import keep_values_out
from shared.urls import check_url

DIALECTS = ("postgresql", "sqlite")
SCHEMAS = ("poller", "classifier", "notifier", "console")

CONNECTIONS = 25
"""Most connections of one process: its handlers at work (`broker.PREFETCH`), and its loops."""

CONNECT_SECONDS = 10.0
STATEMENT_SECONDS = 30.0
"""Far more than any statement of a service needs; a migration has no such limit."""
IDLE_SECONDS = 120.0
"""How long a transaction may stand still: the relay's while it publishes is the longest (60 s)."""

_KEEPALIVE = {"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10"}
_KEEPALIVE |= {"tcp_keepalives_count": "3"}
"""Of the server towards us: a session whose client is gone without a word ends after a minute.

Linux' own would keep it for two hours, with the rows and the poll that it has locked.
See https://www.postgresql.org/docs/17/runtime-config-connection.html#GUC-TCP-KEEPALIVES-IDLE
"""

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

Json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """Aware UTC datetimes on both databases; SQLite keeps them without offset, in UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Refuse a naive datetime: it would be read in somebody's local time."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: give it a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Give the offset back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def make_metadata(schema: str) -> sa.MetaData:
    """Metadata for one service's tables, with the house's constraint names."""
    return sa.MetaData(schema=schema, naming_convention=NAMING)


def make_engine(
    url: str,
    statement_seconds: float | None = STATEMENT_SECONDS,
    idle_seconds: float = IDLE_SECONDS,
) -> AsyncEngine:
    """An engine for `sqlite+aiosqlite:///PATH` or `postgresql+asyncpg://...`.

    Of two servers, `postgresql+asyncpg://USER:PASSWORD@/NAME?host=ONE:5432&host=OTHER:5432&
    target_session_attrs=read-write` connects to the one that takes writes.

    On PostgreSQL a statement without an answer for `statement_seconds` is given up, so that a
    network that swallows everything holds nobody for ever; `None` (migrations) waits, and so does
    a COMMIT while the server waits for its standby (`committing`). The server gives up a
    transaction that asks nothing for `idle_seconds`: nobody may be there any more, and what it has
    locked is needed.

    Raises:
        ConfigurationError: another database, or no URL at all.
    """
    if url.startswith("sqlite+aiosqlite:"):
        return sqlite_engine(url)
    check_url(
        url,
        ("postgresql+asyncpg",),
        "postgresql+asyncpg://USER:PASSWORD@HOST:PORT/NAME (or sqlite+aiosqlite:///PATH)",
    )
    engine = create_async_engine(
        url,
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=CONNECTIONS - 10,
        hide_parameters=True,  # they hold addresses, and errors are logged with their text
        connect_args={
            "async_creator_fn": committing.connect,
            "timeout": CONNECT_SECONDS,
            "command_timeout": statement_seconds,
            "server_settings": _KEEPALIVE
            | {"idle_in_transaction_session_timeout": str(int(idle_seconds * 1000))},
        },
    )
    keep_values_out(engine)
    return engine


def sqlite_engine(url: str, **options: Any) -> AsyncEngine:
    """An engine for `sqlite+aiosqlite:///PATH`; `options` are further ones of SQLAlchemy's."""
    engine = create_async_engine(
        url,
        execution_options={"schema_translate_map": dict.fromkeys(SCHEMAS)},
        hide_parameters=True,
        **options,
    )
    sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    sa.event.listen(engine.sync_engine, "begin", _begin_immediate)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # SQLAlchemy's documented way to real transactions: the driver must not begin for itself.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "busy_timeout=10000",
        "foreign_keys=ON",
        "cache_size=-65536",  # KiB; with the default 2 MB a large ledger is read again and again
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: sa.Connection) -> None:
    # A reader that turns writer half-way cannot wait for another writer; one that begins as
    # a writer can (https://www.sqlite.org/lang_transaction.html).
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction: committed at the end, rolled back on any exception.

    Raises:
        Away: the database is away, restarts, is full, is locked for too long, or has not let us
            in, or has not the tables that we need.
        Retryable: another transaction was in the way.
        Permanent: it cannot hold a value.
    """
    with faults():
        async with engine.begin() as connection:
            yield connection


@contextmanager
def faults() -> Iterator[None]:
    """The database's faults as ours; what else is raised inside goes through.

    Raises:
        Away: the database is away, restarts, is full, is locked for too long, or has not let us
            in, or has not the tables that we need.
        Retryable: another transaction was in the way.
        Permanent: it cannot hold a value: a number too large, a text too long, a zero byte.
    """
    try:
        yield
    except OverflowError as error:  # sqlite3, for a number of more than 64 bits
        raise Permanent(_TOO_LARGE) from error
    except (OperationalError, InterfaceError, NoConnectionFree, OSError) as error:
        # OSError: refused, timed out, and a host name that is gone with its container.
        raise Away(f"database: {_cause(error)}") from error
    except DBAPIError as error:
        if _is_away(error.orig) or (error.connection_invalidated and not _is_passing(error.orig)):
            raise Away(f"database: {_cause(error)}") from error
        if _is_passing(error.orig):
            raise Retryable(f"database: {_cause(error)}") from error
        if (getattr(error.orig, "sqlstate", None) or "").startswith("22"):  # data exception
            raise Permanent(_TOO_LARGE) from error
        raise
    except asyncpg.PostgresError as error:
        # While connecting the driver's own faults come through: a server that is starting up.
        if _is_away(error):
            raise Away(f"database: {_cause(error)}") from error
        raise


_TOO_LARGE = "the database cannot hold a value of this: correct its sender, or drop it"


_AWAY = ("08", "25006", "53", "57P", "58", "28", "3D000", "3F000", "42501", "42P01", "42703")
"""How SQLSTATEs begin when the server is not there for anybody: connection, an old primary after a
failover that takes no writes, resources (a full disk too), shutdown and restart, its disks; and
when it is not ours yet, or no more: a password changed, no database, schema, right, table or column
as this version needs them (https://www.postgresql.org/docs/17/errcodes-appendix.html)."""

_PASSING = ("40", "57", "25P03", "25P04", "55P03", "0A000")
"""When it is there, and this transaction was unlucky: serialization and deadlock, a statement
cancelled or overlong, a transaction that stood still as in a frozen process, a lock in use, a
statement prepared before a migration changed its table."""


def _is_away(error: BaseException | None) -> bool:
    if isinstance(getattr(error, "__cause__", None), asyncpg.TargetServerAttributeNotMatched):
        return True  # two servers, and neither takes writes yet
    return (getattr(error, "sqlstate", None) or "").startswith(_AWAY)


def _is_passing(error: BaseException | None) -> bool:
    return (getattr(error, "sqlstate", None) or "").startswith(_PASSING)


def _cause(error: Exception) -> str:
    """The driver's own words: SQLAlchemy's would carry the statement and its values."""
    origin = error.orig if isinstance(error, DBAPIError) and error.orig else error
    if isinstance(origin, sqlite3.Error):
        return str(origin)
    # SQLAlchemy's own "Error" says nothing; what it was made of does: "InvalidPasswordError".
    told = origin.__cause__ if isinstance(origin.__cause__, asyncpg.PostgresError) else origin
    return f"{type(told).__name__}"


def insert(connection: AsyncConnection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """The dialect's INSERT, for `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return insert_for(connection.dialect.name, table)


def insert_for(dialect: str, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """The same by the dialect's name: for statements that are made once and kept."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
