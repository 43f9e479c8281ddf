"""Roles at PostgreSQL: each service's reads and writes the rows of its own schema, no more."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.console.accounts.account import Account
from services.console.accounts.verifier import verifier
from shared.database import transaction

_LOCK = 4_270_002
"""An advisory lock: roles are of the whole server, and two at once would both create one."""

_ROWS = "SELECT, INSERT, UPDATE, DELETE"
_PLAIN = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


async def grant_in_database(engine: AsyncEngine, accounts: Sequence[Account]) -> None:
    """Make the roles, or give them the password and the rights that they shall have now.

    The connected user owns the tables. Who is not named can no more connect to this database,
    but its owner and superusers.

    Raises:
        Away: the database is away, or its user may make no roles.
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
    known = sa.text("SELECT 1 FROM pg_roles WHERE rolname = :name")
    there = await connection.scalar(known, {"name": account.user})
    secret = verifier(account.password.get_secret_value())
    verb = "ALTER" if there else "CREATE"
    await connection.exec_driver_sql(
        f"{verb} ROLE \"{account.user}\" WITH {_PLAIN} PASSWORD '{secret}'"
    )


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
