"""What must stay true of the whole: our names, our queues, our events, our tables."""

import json
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

import services
import shared
from services.classifier import tables as classifier
from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.console import bus
from services.console.asyncapi import PRODUCERS, document
from services.console.replay import tables as replays
from services.notifier import tables as notifier
from services.notifier.item import MODALITIES
from services.poller import tables as poller
from shared.broker import PREFETCH
from shared.database import CONNECTIONS
from shared.events import EVENTS
from shared.migrate import upgrade
from shared.topology import ARCHIVE_BINDINGS, CONSUMERS

ROOT = Path(__file__).parents[1]
METADATA = {
    "poller": poller.metadata,
    "classifier": classifier.metadata,
    "notifier": notifier.metadata,
    "console": replays.metadata,
}


def test_services_and_shared_are_ours_and_nobody_elses() -> None:
    for package, folder in ((services, "services"), (shared, "shared")):
        assert Path(str(package.__file__)).is_relative_to(ROOT / folder)
        assert set(packages_distributions().get(folder, ["carillon"])) <= {"carillon"}


def test_every_event_is_read_by_somebody_and_archived() -> None:
    kinds = {binding.split(".")[0] for binding in ARCHIVE_BINDINGS}
    wanted = {key for queue in CONSUMERS for key in queue.bindings}

    assert wanted < {event.ROUTING_KEY for event in EVENTS}
    assert {event.ROUTING_KEY.split(".")[0] for event in EVENTS} == kinds


def test_the_digest_has_a_place_for_every_modality_of_the_taxonomy() -> None:
    taxonomy = load_taxonomy(TAXONOMY)
    labelled = {key.split(":")[1] for key in taxonomy.by_key if key.startswith("modality:")}

    assert labelled == {modality for modality, _ in MODALITIES}


def test_handlers_at_work_never_outnumber_the_databases_connections() -> None:
    assert PREFETCH < CONNECTIONS


def test_every_event_has_one_producer() -> None:
    assert {event.ROUTING_KEY for event in EVENTS} == set(PRODUCERS)


def test_the_asyncapi_document_is_current() -> None:
    kept = (ROOT / "docs" / "asyncapi.json").read_text(encoding="utf-8")

    assert json.loads(kept) == document(), "run: carillon asyncapi > docs/asyncapi.json"


def test_the_asyncapi_document_refers_to_nothing_that_is_not_there() -> None:
    whole = document()
    text = json.dumps(whole)
    references = {part.split('"')[0] for part in text.split('"$ref": "#/')[1:]}

    for reference in references:
        place = whole
        for step in reference.split("/"):
            place = place[step]


@pytest.mark.parametrize("service", ["poller", "classifier", "notifier", "console"])
async def test_migrations_make_the_tables_that_the_code_uses(
    service: str, database: AsyncEngine
) -> None:
    await upgrade(database, service)
    await upgrade(database, service)

    tables = list(METADATA[service].tables.values())
    if service == "console" and database.dialect.name == "sqlite":
        tables += bus.metadata.tables.values()
    async with database.begin() as connection:
        differences = await connection.run_sync(_differences, tables, service)
    assert differences == []


def _differences(connection: sa.Connection, tables: list[sa.Table], service: str) -> list[str]:
    schema = service if connection.dialect.name == "postgresql" else None
    inspector = sa.inspect(connection)
    found = set(inspector.get_table_names(schema)) - {"alembic_version"}
    wanted = {table.name for table in tables}
    differences = [f"table {name}" for name in found ^ wanted]
    for table in tables:
        if table.name in found:
            differences += _table_differences(inspector, table, schema)
    return differences


def _table_differences(inspector: sa.Inspector, table: sa.Table, schema: str | None) -> list[str]:
    columns = {c["name"]: c["nullable"] for c in inspector.get_columns(table.name, schema)}
    wanted = {c.name: bool(c.nullable) for c in table.columns}
    keys = set(inspector.get_pk_constraint(table.name, schema)["constrained_columns"])
    indexes = {i["name"] for i in inspector.get_indexes(table.name, schema) if not i["unique"]}
    checks = (
        ("columns", columns, wanted),
        ("primary key", keys, {c.name for c in table.primary_key.columns}),
        ("indexes", indexes, {i.name for i in table.indexes}),
    )
    return [f"{table.name}: {what} {a} != {b}" for what, a, b in checks if a != b]
