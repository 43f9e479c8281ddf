"""PostgreSQL, as each account meets it."""

import socket
import ssl
from collections.abc import Sequence
from datetime import datetime

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.classifier import tables as classifier
from services.console.doctor.rules.database import Database, Fault, Line
from services.console.replay import tables as console
from services.notifier import hold
from services.notifier import tables as notifier
from services.notifier.vault import Vault
from services.notifier.wrong import PUBLISHED_WITHIN, overdue_since
from services.poller import tables as poller
from shared.database import make_engine
from shared.errors import ConfigurationError, Permanent
from shared.events import Poll
from shared.outbox import overdue
from shared.standbys import read_standbys

TABLES = {
    "poller": poller.metadata,
    "classifier": classifier.metadata,
    "notifier": notifier.metadata,
    "console": console.metadata,
}
AWAY = (SQLAlchemyError, asyncpg.PostgresError, OSError, TypeError, ValueError, ConfigurationError)
"""What a database raises that we cannot enter, or whose URL is none."""

_ROWS = ("SELECT", "INSERT", "UPDATE", "DELETE")
USAGE = "USAGE of the schema"
_TEXTS = postgresql.ARRAY(sa.Text)
_LACKING = sa.text(
    "SELECT r || ' on ' || t FROM unnest(:names) AS t, unnest(:rights) AS r "
    "WHERE NOT has_table_privilege(:schema || '.' || t, r) ORDER BY t, r"
).bindparams(sa.bindparam("names", type_=_TEXTS), sa.bindparam("rights", type_=_TEXTS))
_SEEN = 50
"""Sealed targets that are tried with the key."""


async def gather(url: str, who: tuple[str, ...]) -> Database:
    """Come in as this account, and look at the schemas of those who use it.

    Who comes in as the console looks at all of them.
    """
    schemas = tuple(TABLES) if "console" in who else who
    try:
        engine = make_engine(url, statement_seconds=10.0)
    except (ConfigurationError, SQLAlchemyError, ValueError):
        return Database(who, "url", "not a URL of PostgreSQL that can be used")
    try:
        async with engine.connect() as connection:
            return await _looked(connection, who, schemas)
    except AWAY as error:
        fault, words = _fault(error)
        return Database(who, fault, words)
    finally:
        await engine.dispose()


def _fault(error: Exception) -> tuple[Fault, str]:
    """What kept us out, in words without user, password or address."""
    origin = error.orig if isinstance(error, DBAPIError) and error.orig else error
    origin = origin.__cause__ if isinstance(origin.__cause__, Exception) else origin
    state, kind = getattr(origin, "sqlstate", None) or "", type(origin).__name__
    by_tls = isinstance(origin, ssl.SSLError) or "SSL" in str(origin)
    no_options = isinstance(origin, TypeError | ValueError) and not isinstance(origin, OSError)
    kinds: tuple[tuple[bool, Fault, str], ...] = (
        (by_tls, "tls", f"TLS cannot be agreed on with the server ({kind})"),
        (state.startswith("28"), "login", f"user or password is refused ({kind})"),
        (state == "3D000", "name", "there is no database of that name"),
        (state == "42501", "login", "the account has no right to enter this database"),
        (no_options, "url", "the URL has options that cannot be used"),
        (isinstance(origin, socket.gaierror), "unreachable", "the host's name is not known here"),
    )
    otherwise: tuple[Fault, str] = ("unreachable", f"no connection ({kind})")
    return next(((fault, words) for so, fault, words in kinds if so), otherwise)


async def _looked(
    connection: AsyncConnection, who: tuple[str, ...], schemas: Sequence[str]
) -> Database:
    standby = await connection.scalar(sa.text("SELECT pg_is_in_recovery()"))
    read_only = await connection.scalar(sa.text("SHOW default_transaction_read_only"))
    versions: dict[str, str | None] = {}
    lacks: dict[str, tuple[str, ...]] = {}
    for schema in schemas:
        tables = await _tables(connection, schema)
        lacks[schema] = await _lacking(connection, schema, tables)
        if "alembic_version" not in tables:
            versions[schema] = None
        elif USAGE not in lacks[schema]:
            version = sa.text(f"SELECT version_num FROM {schema}.alembic_version")  # noqa: S608  ours
            versions[schema] = await connection.scalar(version)
    return Database(
        who,
        is_read_only=bool(standby) or read_only == "on",
        versions=versions,
        lacks=lacks,
        standbys=await read_standbys(connection),
    )


async def _tables(connection: AsyncConnection, schema: str) -> frozenset[str]:
    """Which there are: whoever may enter the database may read that, without rights on them."""
    listed = sa.text("SELECT tablename FROM pg_tables WHERE schemaname = :schema")
    return frozenset((await connection.scalars(listed, {"schema": schema})).all())


async def _lacking(
    connection: AsyncConnection, schema: str, tables: frozenset[str]
) -> tuple[str, ...]:
    if not tables:
        return ()
    usage = sa.text("SELECT has_schema_privilege(:schema, 'USAGE')")
    if not await connection.scalar(usage, {"schema": schema}):
        return (USAGE,)
    names = sorted({table.name for table in TABLES[schema].tables.values()} & tables)
    given = {"schema": schema, "names": names, "rights": list(_ROWS)}
    return tuple((await connection.scalars(_LACKING, given)).all())


async def gather_line(url: str, now: datetime, vault: Vault | None) -> Line:
    """What stands still in the tables; raises what the database raises."""
    engine = make_engine(url, statement_seconds=10.0)
    try:
        async with engine.connect() as connection:
            return Line(
                await _stuck(connection, now),
                await _overdue(connection, now),
                await _unopened(connection, vault) if vault else 0,
                await _held(connection),
            )
    finally:
        await engine.dispose()


async def _stuck(connection: AsyncConnection, now: datetime) -> tuple[tuple[str, str], ...]:
    found = []
    for service in ("poller", "classifier", "notifier"):
        table = TABLES[service].tables[f"{service}.outbox"]
        late, reason = await overdue(connection, table, now - PUBLISHED_WITHIN)
        if late:
            told = f"{late} events not published for half an hour: "
            found.append((service, told + (reason or "none was tried")[:200]))
    return tuple(found)


async def _overdue(connection: AsyncConnection, now: datetime) -> tuple[tuple[str, str], ...]:
    polls = notifier.polls
    latest = sa.select(polls.c.topic, sa.func.max(polls.c.finished_at).label("at"))
    latest_of = latest.group_by(polls.c.topic).subquery()
    rows = await connection.execute(
        sa.select(polls.c.topic, polls.c.poll).join(
            latest_of,
            (latest_of.c.topic == polls.c.topic) & (latest_of.c.at == polls.c.finished_at),
        )
    )
    found = []
    for topic, content in rows:
        since = overdue_since(Poll.model_validate(content), now)
        if since:
            found.append((str(topic), f"{since:%Y-%m-%d %H:%M} UTC"))
    return tuple(found)


async def _held(connection: AsyncConnection) -> str | None:
    found = await hold.standing(connection)
    return f"since {found.since:%Y-%m-%d %H:%M} UTC: {found.reason}" if found else None


async def _unopened(connection: AsyncConnection, vault: Vault) -> int:
    readers = notifier.subscriptions
    sealed = sa.select(readers.c.address).where(readers.c.address.startswith("gAAAAA"))
    found = (await connection.scalars(sealed.limit(_SEEN))).all()
    return sum(1 for one in found if not _opens(vault, one))


def _opens(vault: Vault, sealed: str) -> bool:
    try:
        vault.open(sealed)
    except Permanent:
        return False
    return True
