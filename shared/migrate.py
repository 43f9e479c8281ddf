"""Migrations: each service owns its own, in its schema (or its SQLite file).

`alembic_version` lives beside the service's tables, so that a service is moved, backed up and
rolled back alone. A service's `migrations/env.py` calls `run_migrations` and nothing else.
"""

from functools import cache
from importlib.resources import files
from pathlib import Path

import sqlalchemy as sa
from alembic import command, context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.database import transaction
from shared.errors import ConfigurationError

_LOCK = 4_270_001
"""PostgreSQL's advisory lock for migrations: two at once would both create what is missing."""


async def upgrade(engine: AsyncEngine, service: str, revision: str = "head") -> None:
    """Bring one service's tables to `revision`, creating its schema where there is none.

    Raises:
        ConfigurationError: there is no such service.
        Retryable: the database is away.
    """
    async with transaction(engine) as connection:
        await upgrade_on(connection, service, revision)


async def upgrade_on(connection: AsyncConnection, service: str, revision: str = "head") -> None:
    """The same in the caller's transaction.

    Raises:
        ConfigurationError: there is no such service.
    """
    await connection.run_sync(_upgrade, _config(service), service, revision)


async def step_back(engine: AsyncEngine, service: str) -> str | None:
    """Bring one service's tables back by one revision, as an older version needs them; to which.

    What only the newer version has written down goes with it.

    Raises:
        ConfigurationError: there is no such service, or it must not go back now.
        Retryable: the database is away.
    """
    async with transaction(engine) as connection:
        if await revision_of(connection, service) is None:
            raise ConfigurationError(f"there are no tables of {service}: nothing to step back from")
        await connection.run_sync(_downgrade, _config(service))
        return await revision_of(connection, service)


def _downgrade(connection: sa.Connection, config: Config) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config.attributes["connection"] = connection
    command.downgrade(config, "-1")


async def revision_of(connection: AsyncConnection, service: str) -> str | None:
    """Which revision the tables of a service have; None when there are none."""

    def look(sync: sa.Connection) -> str | None:
        own = service if sync.dialect.name == "postgresql" else None
        if not sa.inspect(sync).has_table("alembic_version", schema=own):
            return None
        options = {"version_table_schema": own}
        return MigrationContext.configure(sync, opts=options).get_current_revision()

    return await connection.run_sync(look)


def is_known(service: str, revision: str) -> bool:
    """Whether this version has that revision of a service's tables."""
    return revision in revisions(service)


@cache
def revisions(service: str) -> tuple[str, ...]:
    """All that this version knows of a service's migrations, the newest first.

    Raises:
        ConfigurationError: there is no such service.
    """
    scripts = ScriptDirectory.from_config(_config(service))
    return tuple(script.revision for script in scripts.walk_revisions())


def _config(service: str) -> Config:
    folder = Path(str(files("services"))) / service / "migrations"
    if not folder.is_dir():
        raise ConfigurationError(f"service {service!r} has no migrations: is its name right?")
    config = Config()
    config.set_main_option("script_location", str(folder))
    return config


def _upgrade(connection: sa.Connection, config: Config, service: str, revision: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        connection.execute(sa.schema.CreateSchema(service, if_not_exists=True))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def run_migrations(service: str) -> None:
    """What a service's `env.py` runs: the migrations, on the connection given to `upgrade`."""
    connection: sa.Connection = context.config.attributes["connection"]
    postgres = connection.dialect.name == "postgresql"
    context.configure(connection=connection, version_table_schema=service if postgres else None)
    context.run_migrations()


def schema(service: str) -> str | None:
    """The schema for a service's tables inside a migration; none on SQLite."""
    return service if context.get_context().dialect.name == "postgresql" else None
