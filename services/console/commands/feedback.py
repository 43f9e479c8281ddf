"""`carillon feedback`: what readers say of labels, for `carillon eval`."""

import asyncio
import sys

import typer

from services.console.commands.embedded import State
from services.console.embedded import read_embedded
from services.console.readers_examples import Examples, readers_examples
from services.console.settings import Settings
from services.console.stores import deployed_stores, embedded_stores, opened_before
from shared.errors import ConfigurationError
from shared.logs import configure_logging
from shared.settings import load

cli = typer.Typer(help="What readers say of labels.", no_args_is_help=True)


@cli.callback()
def feedback() -> None:
    """What readers say of labels."""


@cli.command("export")
def export(state: State = None) -> None:
    """Write readers' corrections as labelled examples, a line each, to the standard output.

    With CARILLON_DATABASE_URL set, of the deployment; else of the embedded stores.
    """
    configure_logging("carillon", as_json=False, level=40)
    found = asyncio.run(_examples(state))
    for line in found.lines:
        sys.stdout.write(line + "\n")
    typer.echo(f"{len(found.lines)} articles with corrections", err=True)
    if found.left_out:
        typer.echo(
            f"{found.left_out} remarks left out: about targets or products, which are not "
            "measured, or without what would be right instead",
            err=True,
        )


async def _examples(state: State) -> Examples:
    url = load(Settings).database_url
    if url is None:
        folder = read_embedded(state).state
        if not opened_before(folder):
            raise ConfigurationError(f"nothing is in {folder}/ yet: run `carillon run` first")
        stores = embedded_stores(folder)
    else:
        stores = deployed_stores(url.get_secret_value())
    try:
        return await readers_examples(stores.notifier)
    finally:
        await stores.close()
