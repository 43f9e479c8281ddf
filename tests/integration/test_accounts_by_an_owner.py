"""The accounts where who makes them is no superuser, as with PostgreSQL that others run."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.accounts.account import SERVICES, Account
from services.console.accounts.at_database import grant_in_database
from shared.database import make_engine
from shared.errors import ConfigurationError
from shared.migrate import upgrade
from tests.parts import Postgres

pytestmark = [pytest.mark.connected, pytest.mark.timeout(180)]


@dataclass(frozen=True)
class Owned:
    """A database whose owner may make roles, and is no superuser; `superuser` made them both."""

    owner: AsyncEngine
    superuser: str
    url: str
    accounts: tuple[Account, ...]


@pytest.fixture
async def owned(postgres: Postgres) -> AsyncIterator[Owned]:
    mark = uuid4().hex[:8]
    url = postgres.new_database(f"t{mark}")
    superuser = url.replace("+asyncpg", "")
    connection = await asyncpg.connect(superuser)
    await connection.execute(f"CREATE ROLE owner_{mark} LOGIN CREATEROLE PASSWORD 'pw'")
    await connection.execute(f"ALTER DATABASE t{mark} OWNER TO owner_{mark}")
    await connection.close()
    engine = make_engine(url.replace("carillon:carillon", f"owner_{mark}:pw"))
    accounts = tuple(
        Account(service, f"{service}_{mark}", SecretStr(f"pw-{service}")) for service in SERVICES
    )
    yield Owned(engine, superuser, superuser.split("@")[1], accounts)
    await engine.dispose()


async def test_an_owner_that_may_make_roles_is_enough_and_may_do_it_again(owned: Owned) -> None:
    for service in (*SERVICES, "console"):
        await upgrade(owned.owner, service)
    for _ in range(2):  # as with every migrate
        await grant_in_database(owned.owner, owned.accounts)

    poller = owned.accounts[0]
    own = f"postgresql://{poller.user}:{poller.password.get_secret_value()}@{owned.url}"
    connection = await asyncpg.connect(own)
    try:
        assert await connection.fetchval("SELECT count(*) FROM poller.articles") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("SELECT count(*) FROM notifier.subscriptions")
    finally:
        await connection.close()


async def test_an_account_that_became_mightier_is_refused_where_it_cannot_be_curbed(
    owned: Owned,
) -> None:
    for service in (*SERVICES, "console"):
        await upgrade(owned.owner, service)
    await grant_in_database(owned.owner, owned.accounts)
    mighty = owned.accounts[0].user
    connection = await asyncpg.connect(owned.superuser)
    await connection.execute(f"ALTER ROLE {mighty} CREATEDB")
    await connection.close()

    with pytest.raises(ConfigurationError, match=f"{mighty} may more than a service shall"):
        await grant_in_database(owned.owner, owned.accounts)


async def test_a_superuser_curbs_it(owned: Owned) -> None:
    for service in (*SERVICES, "console"):
        await upgrade(owned.owner, service)
    await grant_in_database(owned.owner, owned.accounts)
    mighty = owned.accounts[0].user
    connection = await asyncpg.connect(owned.superuser)
    await connection.execute(f"ALTER ROLE {mighty} CREATEDB CREATEROLE BYPASSRLS")
    engine = make_engine(owned.superuser.replace("postgresql", "postgresql+asyncpg"))

    await grant_in_database(engine, owned.accounts)

    query = "SELECT rolcreatedb OR rolcreaterole OR rolbypassrls FROM pg_roles WHERE rolname = $1"
    assert await connection.fetchval(query, mighty) is False
    await connection.close()
    await engine.dispose()
