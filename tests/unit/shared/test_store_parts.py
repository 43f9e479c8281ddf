"""Outbox, inbox and database, on both databases where there is a PostgreSQL."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.database import UtcDateTime, make_engine, make_metadata, transaction
from shared.errors import Away, ConfigurationError, Permanent, Retryable
from shared.forgetting import forget
from shared.inbox import first_time, inbox_table
from shared.outbox import Outgoing, add, outbox_table, pending, relay
from tests.builders import NOON, discovered
from tests.fakes import FakeCarrier

metadata = make_metadata("poller")
outbox = outbox_table(metadata)
inbox = inbox_table(metadata)
instants = sa.Table("instants", metadata, sa.Column("at", UtcDateTime))


@pytest.fixture
async def engine(database: AsyncEngine) -> AsyncEngine:
    async with database.begin() as connection:
        await connection.run_sync(metadata.create_all)
    return database


async def _fill(engine: AsyncEngine, *pmids: int) -> None:
    async with transaction(engine) as connection:
        for pmid in pmids:
            event = discovered().model_copy(update={"id": str(pmid)})
            await add(connection, outbox, event, NOON)


async def test_the_relay_publishes_in_order_and_forgets_what_is_safe(engine: AsyncEngine) -> None:
    await _fill(engine, 1, 2, 3)
    carrier = FakeCarrier()

    assert await relay(engine, outbox, carrier.publish) == 3
    assert await relay(engine, outbox, carrier.publish) == 0
    assert carrier.ids == ["1", "2", "3"]


async def test_a_number_that_the_database_cannot_hold_is_a_permanent_fault(
    engine: AsyncEngine,
) -> None:
    row = {"event_id": "1", "type": "t", "routing_key": "k", "body": b"", "created_at": NOON}

    with pytest.raises(Permanent, match="cannot hold"):
        async with transaction(engine) as connection:
            await connection.execute(outbox.insert().values(**row, attempts=2**70))


@pytest.mark.connected
@pytest.mark.parametrize("value", [r"""CAST('["\u0000"]' AS jsonb)""", "CAST('x' AS integer)"])
async def test_a_text_that_postgresql_cannot_hold_is_a_permanent_fault(
    postgres_url: str, value: str
) -> None:
    engine = make_engine(postgres_url)

    with pytest.raises(Permanent, match="cannot hold"):
        async with transaction(engine) as connection:
            await connection.execute(sa.text(f"SELECT {value}"))

    await engine.dispose()


async def test_an_event_of_a_rolled_back_transaction_is_never_published(
    engine: AsyncEngine,
) -> None:
    with pytest.raises(RuntimeError):
        async with transaction(engine) as connection:
            await add(connection, outbox, discovered(), NOON)
            raise RuntimeError("the fact was not recorded")

    assert await relay(engine, outbox, FakeCarrier().publish) == 0


async def test_a_crash_before_the_relay_commits_publishes_again_with_the_same_id(
    engine: AsyncEngine,
) -> None:
    await _fill(engine, 1)
    carrier = FakeCarrier()

    async def publish_then_die(batch: Sequence[Outgoing]) -> list[Exception | None]:
        await carrier.publish(batch)
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        await relay(engine, outbox, publish_then_die)
    await relay(engine, outbox, carrier.publish)

    assert carrier.ids == ["1", "1"]


async def test_an_event_that_cannot_be_published_stays_and_does_not_hold_up_the_others(
    engine: AsyncEngine,
) -> None:
    await _fill(engine, 1, 2)
    carrier = FakeCarrier(refuses={"1"})

    assert await relay(engine, outbox, carrier.publish) == 1

    async with transaction(engine) as connection:
        row = (await connection.execute(sa.select(outbox))).one()
        assert await pending(connection, outbox) == 1
    assert (row.event_id, row.attempts) == ("1", 1)
    assert "refused" in row.last_error


async def test_an_event_that_waits_to_be_published_is_not_put_there_again(
    engine: AsyncEngine,
) -> None:
    await _fill(engine, 1)
    await _fill(engine, 2, 1)
    carrier = FakeCarrier()

    assert await relay(engine, outbox, carrier.publish) == 2
    assert carrier.ids == ["1", "2"]


async def test_the_inbox_knows_an_event_again_but_not_for_another_version(
    engine: AsyncEngine,
) -> None:
    async with transaction(engine) as connection:
        assert await first_time(connection, inbox, "e", "h.v1", NOON)
        assert not await first_time(connection, inbox, "e", "h.v1", NOON)
        assert await first_time(connection, inbox, "e", "h.v2", NOON)


async def test_the_inbox_forgets_what_is_old_in_small_steps_and_nothing_else(
    engine: AsyncEngine,
) -> None:
    async with transaction(engine) as connection:
        for number in range(12):
            await first_time(connection, inbox, f"e{number}", "h.v1", NOON + timedelta(days=number))
            await first_time(connection, inbox, f"e{number}", "h.v2", NOON + timedelta(days=10))

    assert await forget(engine, inbox, "received_at", NOON + timedelta(days=7), at_once=3) == 7
    assert await forget(engine, inbox, "received_at", NOON + timedelta(days=7), at_once=3) == 0

    async with transaction(engine) as connection:
        left = await connection.execute(sa.select(inbox.c.event_id, inbox.c.handler))
        kept = {(row.event_id, row.handler) for row in left}
    assert kept == {(f"e{number}", "h.v1") for number in range(7, 12)} | {
        (f"e{number}", "h.v2") for number in range(12)
    }


async def test_datetimes_come_back_aware_and_in_utc(engine: AsyncEngine) -> None:
    local = datetime.fromisoformat("2026-03-29T02:30:00+05:45")
    async with transaction(engine) as connection:
        await connection.execute(instants.insert().values(at=local))
        back = await connection.scalar(sa.select(instants.c.at))

    assert back == local
    assert back is not None
    assert back.tzinfo == UTC


async def test_a_naive_datetime_is_refused(engine: AsyncEngine) -> None:
    with pytest.raises(sa.exc.StatementError, match="naive datetime"):
        async with transaction(engine) as connection:
            await connection.execute(
                instants.insert().values(at=datetime(2026, 1, 1))  # noqa: DTZ001
            )


@pytest.mark.parametrize("host", ["127.0.0.1:1", "gone.invalid:5432"])
async def test_a_database_that_is_away_is_a_fault_that_may_pass(host: str) -> None:
    engine = make_engine(f"postgresql+asyncpg://nobody:x@{host}/none")

    with pytest.raises(Retryable, match="database"):
        async with transaction(engine):
            pass
    await engine.dispose()


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (asyncpg.CannotConnectNowError("the database system is starting up"), Retryable),
        (asyncpg.TooManyConnectionsError("sorry, too many clients already"), Retryable),
        (asyncpg.InvalidPasswordError("no"), Away),  # a changed one would park a whole queue
        (asyncpg.PostgresSyntaxError("no"), asyncpg.PostgresSyntaxError),
    ],
)
async def test_a_server_that_does_not_let_us_in_is_waited_for_and_a_bug_is_not(
    engine: AsyncEngine, fault: Exception, raised: type[Exception]
) -> None:
    with pytest.raises(raised):
        async with transaction(engine):
            raise fault


async def test_no_connection_being_free_is_a_fault_that_may_pass(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/one.db"
    engine = create_async_engine(url, pool_size=1, max_overflow=0, pool_timeout=0.05)

    async with transaction(engine):
        with pytest.raises(Retryable, match="TimeoutError"):
            async with transaction(engine):
                pass
    await engine.dispose()


def test_another_database_is_refused_with_what_to_use() -> None:
    with pytest.raises(ConfigurationError, match="sqlite\\+aiosqlite"):
        make_engine("mysql://x")
