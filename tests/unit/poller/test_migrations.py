"""The migrated tables are those the store writes to."""

from pathlib import Path

import sqlalchemy as sa

from services.poller.tables import metadata
from shared.database import make_engine
from shared.migrate import upgrade


def columns(connection: sa.Connection) -> dict[str, set[tuple[str, bool]]]:
    inspector = sa.inspect(connection)
    return {
        table: {(column["name"], column["nullable"]) for column in inspector.get_columns(table)}
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


async def test_a_migrated_store_has_the_columns_of_the_tables(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path}/poller.db")

    await upgrade(engine, "poller")

    async with engine.connect() as connection:
        migrated = await connection.run_sync(columns)
    await engine.dispose()
    assert migrated == {
        table.name: {(column.name, bool(column.nullable)) for column in table.c}
        for table in metadata.sorted_tables
    }
