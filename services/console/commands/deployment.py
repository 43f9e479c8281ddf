"""`carillon migrate` and `scenario`: what a deployment needs beside its services."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from services.console.accounts.account import accounts
from services.console.accounts.at_broker import grant_at_broker
from services.console.accounts.at_database import grant_in_database
from services.console.archive.retention import Retention, tell_broker
from services.console.conductor import conduct
from services.console.scenario import write_scenario
from services.console.settings import Settings
from services.console.stores import deployed_stores
from services.ncbi_sim.catalogue import load_catalogue
from services.ncbi_sim.settings import PACKAGED_CATALOGUE
from services.poller.topic import read_topic
from shared.broker import declare_topology
from shared.errors import ConfigurationError
from shared.logs import configure_logging
from shared.migrate import step_back, upgrade
from shared.settings import load

scenario = typer.Typer(help="The demo's simulated days, in Docker.", no_args_is_help=True)


def _engines(settings: Settings) -> tuple[str, str]:
    if settings.database_url is None or settings.amqp_url is None:
        raise ConfigurationError(
            "set CARILLON_DATABASE_URL and CARILLON_AMQP_URL (Compose does): "
            "this command is for a deployment; the embedded mode needs neither"
        )
    return settings.database_url.get_secret_value(), settings.amqp_url.get_secret_value()


def migrate(
    back: Annotated[
        list[str] | None,
        typer.Option(help="Only step this service's tables back by one revision, and end."),
    ] = None,
) -> None:
    """Bring all tables up to date and declare every exchange and queue, before services start."""
    configure_logging("migrate")
    settings = load(Settings)
    database_url, amqp_url = _engines(settings)
    if back:
        for service in back:
            revision = asyncio.run(_step_back(database_url, service))
            typer.echo(f"{service}: its tables are at revision {revision or 'none'}")
        return
    asyncio.run(_migrate(database_url, amqp_url))
    asyncio.run(_retain(settings, amqp_url))
    if settings.accounts_dir is not None:
        asyncio.run(_grant(settings, settings.accounts_dir))
        typer.echo("each service has its own accounts")
    typer.echo("tables and queues are up to date")


async def _step_back(database_url: str, service: str) -> str | None:
    stores = deployed_stores(database_url, statement_seconds=None)
    try:
        return await step_back(stores.notifier, service)
    finally:
        await stores.close()


async def _migrate(database_url: str, amqp_url: str) -> None:
    stores = deployed_stores(database_url, statement_seconds=None)  # a large table takes its time
    try:
        await stores.migrate()
        await upgrade(stores.notifier, "console")
    finally:
        await stores.close()
    await declare_topology(amqp_url)


async def _retain(settings: Settings, amqp_url: str) -> None:
    """Tell the broker how long to keep the archive. Without its API, its year stays."""
    retention = Retention(settings.archive_days, settings.archive_mb)
    if settings.management_url is not None:
        await tell_broker(settings.management_url, amqp_url, retention)
    elif retention != Retention(365):
        raise ConfigurationError(
            "CARILLON_ARCHIVE_DAYS and CARILLON_ARCHIVE_MB reach RabbitMQ by its management API: "
            "set CARILLON_MANAGEMENT_URL"
        )


async def _grant(settings: Settings, folder: Path) -> None:
    """Give each service its accounts at broker and database, as its URLs name them."""
    database_url, amqp_url = _engines(settings)
    if settings.management_url is None:
        raise ConfigurationError(
            "CARILLON_ACCOUNTS_DIR: accounts are made by RabbitMQ's management API: "
            "set CARILLON_MANAGEMENT_URL"
        )
    at_broker = accounts(folder, "amqp", amqp_url)
    in_database = accounts(folder, "database", database_url)
    stores = deployed_stores(database_url)
    try:
        await grant_in_database(stores.poller, in_database)
    finally:
        await stores.close()
    await grant_at_broker(settings.management_url, amqp_url, at_broker)


@scenario.command("init")
def init() -> None:
    """Write the scenario's files: where the stand-in is, and its first instant."""
    settings = load(Settings)
    write_scenario(settings.scenario_dir, load_catalogue(PACKAGED_CATALOGUE), settings.standin_url)
    typer.echo(f"scenario written to {settings.scenario_dir}")


@scenario.command("run")
def run_scenario() -> None:
    """Step through the simulated days; each waits until everything of it is done."""
    configure_logging("scenario", level=30)
    settings = load(Settings)
    database_url, _ = _engines(settings)
    catalogue = load_catalogue(PACKAGED_CATALOGUE)
    topic = read_topic(Path("topics") / f"{catalogue.head.id}.toml")
    stores = deployed_stores(database_url)
    asyncio.run(conduct(stores, settings.scenario_dir, catalogue, topic, typer.echo))
    typer.echo("All days are done. The digests are in MailDev: http://localhost:1080")
