"""Which of PostgreSQL's faults may pass, by its own codes."""

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from shared.database import faults, make_engine, transaction
from shared.errors import Retryable

PASSING = (
    "0A000",  # a statement prepared before a migration changed its table
    "08003",  # the connection does not exist
    "08006",  # connection failure
    "25006",  # a read-only transaction: the primary was demoted in a failover
    "25P03",  # idle too long in a transaction: our process was frozen
    "25P04",  # the transaction took too long
    "28P01",  # the password was changed
    "3D000",  # the database is not there yet
    "40001",  # serialization failure
    "40P01",  # deadlock
    "42501",  # a right was taken away
    "42703",  # a column that a migration has yet to add
    "42P01",  # a table that is not there: restored without it, or not migrated
    "53100",  # disk full
    "53300",  # too many connections
    "55P03",  # a lock was not to be had in time
    "57014",  # a statement was cancelled, or took too long
    "57P01",  # shutdown by an administrator
    "57P03",  # cannot connect now
    "58030",  # an I/O error
)
LASTING = ("23505", "42601", "XX000")


def _error(state: str) -> Exception:
    """As SQLAlchemy gives it to us, around the driver's own."""
    dbapi = PGDialect_asyncpg.import_dbapi()  # type: ignore[no-untyped-call]
    cause = asyncpg.PostgresError.new({"C": state, "M": "words"})
    return sa.exc.DBAPIError("SELECT", None, dbapi.Error("words", cause))


@pytest.mark.parametrize("state", PASSING)
def test_what_may_pass_is_tried_again(state: str) -> None:
    with pytest.raises(Retryable, match="database"), faults():
        raise _error(state)


@pytest.mark.parametrize("state", LASTING)
def test_what_would_not_pass_is_not(state: str) -> None:
    with pytest.raises(sa.exc.DBAPIError), faults():
        raise _error(state)


@pytest.mark.connected
async def test_a_database_that_takes_no_writes_after_a_failover_is_waited_for(
    postgres_url: str,
) -> None:
    engine = make_engine(postgres_url)
    try:
        with pytest.raises(Retryable, match="database"):
            async with transaction(engine) as connection:
                await connection.execute(sa.text("SET TRANSACTION READ ONLY"))
                await connection.execute(sa.text("CREATE TABLE t (n int)"))
    finally:
        await engine.dispose()
