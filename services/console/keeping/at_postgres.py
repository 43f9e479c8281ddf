"""PostgreSQL's stores by COPY: all schemas in one snapshot, and into one transaction.

Tables are copied as they are found, not as this version has them: a backup is restored into the
tables of its own revision, and these are brought up to date then.
"""

import gzip
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.console.keeping.manifest import StoreDump, TableDump, sha256
from shared.database import SCHEMAS, transaction
from shared.errors import ConfigurationError, Permanent
from shared.migrate import revision_of, upgrade_on

VERSIONS = "alembic_version"
LEVEL = 6
"""Of gzip: a smaller file costs several times as long."""


async def dump(engine: AsyncEngine, folder: Path) -> dict[str, StoreDump]:
    """Every service's tables as they are at one instant.

    Raises:
        Retryable: the database is away.
        ConfigurationError: a schema has no tables: nothing was ever installed there.
    """
    async with transaction(engine) as connection:
        await connection.execute(
            sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        )
        return {service: await _store(connection, service, folder) for service in SCHEMAS}


async def _store(connection: AsyncConnection, service: str, folder: Path) -> StoreDump:
    revision = await revision_of(connection, service)
    if revision is None:
        raise ConfigurationError(f"there are no tables of {service}: run `carillon migrate`")
    names = [name for name in await _tables(connection, service) if name != VERSIONS]
    return StoreDump(
        revision=revision,
        tables={name: await _table(connection, (service, name), folder) for name in names},
    )


async def _tables(connection: AsyncConnection, service: str) -> list[str]:
    return sorted(
        await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names(schema=service))
    )


async def _table(connection: AsyncConnection, place: tuple[str, str], folder: Path) -> TableDump:
    service, name = place
    columns = await _columns(connection, place)
    path = folder / f"{service}.{name}.copy.gz"
    with gzip.GzipFile(path, "wb", LEVEL, mtime=0) as packed:

        async def write(data: bytes) -> None:
            packed.write(data)

        told = await (await _driver(connection)).copy_from_table(
            name, schema_name=service, columns=columns, output=write, timeout=None
        )
    rows = int(told.removeprefix("COPY "))
    return TableDump(file=path.name, sha256=sha256(path), rows=rows, columns=columns)


async def _columns(connection: AsyncConnection, place: tuple[str, str]) -> tuple[str, ...]:
    service, name = place
    found = await connection.run_sync(
        lambda sync: sa.inspect(sync).get_columns(name, schema=service)
    )
    return tuple(column["name"] for column in found)


async def _driver(connection: AsyncConnection) -> Any:
    """The driver's (asyncpg's) own connection, in the transaction of ours."""
    return (await connection.get_raw_connection()).driver_connection


async def require_empty(connection: AsyncConnection) -> None:
    """Make sure that nothing is here; tables without a row are nothing.

    Raises:
        ConfigurationError: something is.
    """
    for service in SCHEMAS:
        for name in await _tables(connection, service):
            table = sa.table(name, schema=service)
            some = await connection.scalar(
                sa.select(sa.exists(sa.select(sa.literal(1)).select_from(table)))
            )
            if some and name != VERSIONS:
                raise ConfigurationError(
                    f"the database is not empty: there are rows in {service}.{name}. "
                    "Restore into a new one; a restore never adds to what is there"
                )


async def load(connection: AsyncConnection, folder: Path, stores: dict[str, StoreDump]) -> None:
    """Every table as it was, brought up to date; in the caller's transaction, on empty schemas.

    Raises:
        Permanent: not all rows went in.
    """
    await connection.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    for service, store in stores.items():
        await connection.execute(sa.schema.DropSchema(service, cascade=True, if_exists=True))
        await upgrade_on(connection, service, store.revision)
        for name, part in store.tables.items():
            await _fill(connection, (service, name), folder / part.file, part)
        await upgrade_on(connection, service)
        await _count_on(connection, service)


async def _fill(
    connection: AsyncConnection, place: tuple[str, str], path: Path, part: TableDump
) -> None:
    service, name = place
    await connection.execute(sa.delete(sa.table(name, schema=service)))  # a migration's own rows
    with gzip.open(path, "rb") as packed:
        told = await (await _driver(connection)).copy_to_table(
            name, schema_name=service, columns=part.columns, source=packed, timeout=None
        )
    if told != f"COPY {part.rows}":
        raise Permanent(f"{part.rows} rows were to go into {service}.{name}: {told}")


async def _count_on(connection: AsyncConnection, service: str) -> None:
    """Let what numbers the rows go on after the last one."""
    rows = await connection.execute(
        sa.text(
            "SELECT table_name, column_name, pg_get_serial_sequence("
            "quote_ident(table_schema) || '.' || quote_ident(table_name), column_name) AS numbers "
            "FROM information_schema.columns WHERE table_schema = :service"
        ),
        {"service": service},
    )
    for row in rows.all():
        if row.numbers is not None:
            column: sa.ColumnClause[int] = sa.column(row.column_name)
            last = sa.select(sa.func.max(column)).select_from(
                sa.table(row.table_name, column, schema=service)
            )
            number = await connection.scalar(last)
            if number is not None:
                await connection.execute(sa.select(sa.func.setval(row.numbers, number)))
