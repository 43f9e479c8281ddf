"""`carillon suppressions`: who is never written to."""

import asyncio
from typing import Annotated

import typer

from services.console.commands.embedded import State
from services.console.embedded import Embedded, read_embedded
from services.console.readers import hashed, readers
from services.notifier import suppression
from services.notifier.suppression import Suppressed
from shared.clock import system_clock
from shared.errors import ConfigurationError

cli = typer.Typer(help="Who is never written to, whatever is asked.", no_args_is_help=True)

Who = Annotated[str, typer.Argument(help="A mail address, or the hash that `list` shows.")]


@cli.callback()
def suppressions() -> None:
    """Who is never written to. With CARILLON_DATABASE_URL set, by the deployment."""


@cli.command("list")
def list_suppressed(state: State = None) -> None:
    """The list, the latest first. It holds hashes, no addresses."""
    found = asyncio.run(_listed(read_embedded(state)))
    for one in found:
        detail = f"  {one.detail}" if one.detail else ""
        typer.echo(f"{one.recipient}  {one.at:%Y-%m-%d}  {one.reason}{detail}")
    typer.echo(f"{len(found)} suppressed")


async def _listed(embedded: Embedded) -> list[Suppressed]:
    async with readers(embedded) as found:
        return await suppression.suppressed(found.connection)


@cli.command("add")
def add(who: Who, state: State = None) -> None:
    """Never write to them again, whatever a file or a form says."""
    is_new = asyncio.run(_add(read_embedded(state), hashed(who)))
    typer.echo("suppressed" if is_new else "was suppressed already")


async def _add(embedded: Embedded, who: str) -> bool:
    async with readers(embedded) as found:
        return await suppression.suppress(found.connection, who, "operator", system_clock())


@cli.command("remove")
def remove(who: Who, state: State = None) -> None:
    """Take them off the list. What they had asked for counts again."""
    if not asyncio.run(_remove(read_embedded(state), hashed(who))):
        raise ConfigurationError("not on the list: see `carillon suppressions list`")
    typer.echo("no longer suppressed")


async def _remove(embedded: Embedded, who: str) -> bool:
    async with readers(embedded) as found:
        return await suppression.lift(found.connection, who)
