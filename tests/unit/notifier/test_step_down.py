"""One migration up and one down again, on tables that are filled."""

from datetime import timedelta

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notifier import tables
from services.notifier.digest import Digest
from services.notifier.recipient import recipient
from shared.database import transaction
from shared.migrate import upgrade
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event

DAY = timedelta(days=1)


def named(table: str, connection: AsyncConnection) -> sa.TableClause:
    """A table with the columns that are used here, whatever its version."""
    known = {"subscriptions": tables.subscriptions, "digests": tables.digests}[table]
    own = ("id", "topic", "channel", "address", "origin", "active", "wish", "created_at", "content")
    columns = [sa.column(c.name, c.type) for c in known.c if c.name in own]
    schema = "notifier" if connection.dialect.name == "postgresql" else None
    return sa.table(table, *columns, schema=schema)


async def downgrade(database: AsyncEngine, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", "services/notifier/migrations")

    def step(connection: sa.Connection) -> None:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)

    async with transaction(database) as connection:
        await connection.run_sync(step)


async def test_filled_tables_go_up_and_one_step_down(database: AsyncEngine) -> None:
    await upgrade(database, "notifier", "0002")
    async with transaction(database) as connection:
        for name in ("reader", "Other"):
            await connection.execute(
                named("subscriptions", connection).insert().values(
                    id=name.lower(), topic="car-autoimmune", channel="email",
                    address=f"{name}@example.org", origin="file", active=True,
                    wish={"cadence": "daily"}, created_at=START,
                )
            )  # fmt: skip
    await upgrade(database, "notifier")
    desk = Desk(database)
    rows = await desk.rows(tables.subscriptions)
    assert {row.recipient for row in rows} == {
        recipient("email", f"{name}@example.org") for name in ("reader", "other")
    }

    await desk.subscribe(a_subscription())
    await desk.receive(an_article_event(1, START), a_poll_event(START, announced=1))
    assert await desk.at(8) == 1
    before = await desk.contents()

    await downgrade(database, "0002")
    async with transaction(database) as connection:
        contents = await connection.scalars(sa.select(named("digests", connection).c.content))
        assert [Digest.model_validate(one) for one in contents] == before
    await upgrade(database, "notifier")
    assert await desk.contents() == before
