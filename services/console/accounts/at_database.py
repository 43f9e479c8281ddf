"""Roles at PostgreSQL: each service's reads and writes the rows of its own schema, no more."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.console.accounts.account import Account
from services.console.accounts.verifier import verifier
from shared.database import transaction
from shared.errors import ConfigurationError

_LOCK = 4_270_002
"""An advisory lock: roles are of the whole server, and two at once would both create one."""

_ROWS = "SELECT, INSERT, UPDATE, DELETE"
_POWERS = {
    "rolsuper": "SUPERUSER",
    "rolcreatedb": "CREATEDB",
    "rolcreaterole": "CREATEROLE",
    "rolreplication": "REPLICATION",
    "rolbypassrls": "BYPASSRLS",
}
_PLAIN = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


async def grant_in_database(engine: AsyncEngine, accounts: Sequence[Account]) -> None:
    """Make the roles, or give them the password and the rights that they shall have now.

    The connected user owns the tables, and may make roles (`CREATEROLE`); more it need not be. Who
    is not named can no more connect to this database, but its owner and superusers.

    Raises:
        Away: the database is away, or its user may make no roles.
        ConfigurationError: a role may more than a service shall; only a superuser can mend that.
    """
    async with transaction(engine) as connection:
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        name = await connection.scalar(sa.select(sa.func.current_database()))
        database = engine.dialect.identifier_preparer.quote(str(name))
        await connection.exec_driver_sql(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
        for account in accounts:
            await _make(connection, account)
            for statement in _grants(database, account.service, account.user):
                await connection.exec_driver_sql(statement)


async def _make(connection: AsyncConnection, account: Account) -> None:
    secret = verifier(account.password.get_secret_value())
    powers = await _powers(connection, account)
    if powers is None:
        order = f'CREATE ROLE "{account.user}" WITH {_PLAIN}'
    elif not powers:
        # To name a power takes a superuser, also to say that it is not there.
        order = f'ALTER ROLE "{account.user}" WITH LOGIN'
    elif await connection.scalar(sa.text("SELECT current_setting('is_superuser') = 'on'")):
        order = f'ALTER ROLE "{account.user}" WITH {_PLAIN}'
    else:
        raise ConfigurationError(
            f"accounts: the role {account.user} may more than a service shall "
            f"({', '.join(powers)}): take it away as a superuser, or name another user"
        )
    await connection.exec_driver_sql(f"{order} PASSWORD '{secret}'")


async def _powers(connection: AsyncConnection, account: Account) -> list[str] | None:
    """What a role may beyond its grants; None where there is no such role."""
    columns = ", ".join(_POWERS)
    query = sa.text(f"SELECT {columns} FROM pg_roles WHERE rolname = :name")  # noqa: S608  ours
    row = (await connection.execute(query, {"name": account.user})).mappings().first()
    return None if row is None else [told for column, told in _POWERS.items() if row[column]]


def _grants(database: str, schema: str, user: str) -> tuple[str, ...]:
    """Schema names and users are ours: letters, digits and _ (`account.accounts`)."""
    return (
        f'GRANT CONNECT ON DATABASE {database} TO "{user}"',
        f'GRANT USAGE ON SCHEMA {schema} TO "{user}"',
        f'GRANT {_ROWS} ON ALL TABLES IN SCHEMA {schema} TO "{user}"',
        f'GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO "{user}"',
        # Which tables there are is the migrations' affair.
        f'REVOKE INSERT, UPDATE, DELETE ON {schema}.alembic_version FROM "{user}"',
    )
