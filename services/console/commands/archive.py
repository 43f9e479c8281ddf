"""`carillon archive`: what of the past is kept, and a recorded file taken in."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.console.archive.extent import Extent, measure
from services.console.archive.importing import Imported, import_embedded, import_stream
from services.console.archive.lines import verify
from services.console.archive.source import opened_source
from services.console.archive.stream import Stream
from services.console.commands.filters import File, State
from services.console.settings import Settings
from services.console.stores import embedded_url
from shared.broker import declare_topology
from shared.database import make_engine
from shared.logs import configure_logging
from shared.migrate import upgrade
from shared.settings import load

cli = typer.Typer(help="The archive of all events.", invoke_without_command=True)

DAYS = 31
"""Days shown one by one."""


@cli.callback()
def show(context: typer.Context, state: State = None, file: File = None) -> None:
    """Say from when to when the archive is, how many events of each type and day, and how large."""
    if context.invoked_subcommand:
        return
    configure_logging("archive", as_json=False, level=30)
    settings = load(Settings)
    name, extent = asyncio.run(_measure(settings, state, file))
    console = Console()
    console.print(f"Archive: {name}", highlight=False, markup=False)
    print_extent(console, extent)
    if file is None:
        console.print(_kept(settings), highlight=False)


async def _measure(settings: Settings, state: State, file: File) -> tuple[str, Extent]:
    async with opened_source(settings, state, file) as source:
        return source.name, await measure(source.read())


def _kept(settings: Settings) -> str:
    least = f", at most {settings.archive_mb} MB" if settings.archive_mb else ""
    return f"Kept: {settings.archive_days} days{least} (CARILLON_ARCHIVE_DAYS, CARILLON_ARCHIVE_MB)"


def print_extent(console: Console, extent: Extent) -> None:
    """The extent as lines and tables."""
    if extent.first is None or extent.last is None:
        console.print("It is empty.")
        return
    console.print(
        f"{extent.entries} events, {extent.size / 1e6:.1f} MB, "
        f"from {extent.first:%Y-%m-%d %H:%M} to {extent.last:%Y-%m-%d %H:%M} UTC",
        highlight=False,
    )
    types = Table(header_style="bold")
    types.add_column("Type")
    types.add_column("Events", justify="right")
    for name, count in sorted(extent.by_type.items()):
        types.add_row(name, str(count))
    if extent.unknown:
        types.add_row("[red]no event that is known[/red]", str(extent.unknown))
    if extent.replayed:
        types.add_row("of these made by replays", str(extent.replayed))
    console.print(types)
    console.print(_days(extent))


def _days(extent: Extent) -> Table:
    days = Table(header_style="bold")
    days.add_column("Day (UTC)")
    days.add_column("Events", justify="right")
    ordered = sorted(extent.by_day.items())
    if earlier := ordered[:-DAYS]:
        days.add_row(f"{earlier[0][0]} to {earlier[-1][0]}", str(sum(n for _, n in earlier)))
    for day, count in ordered[-DAYS:]:
        days.add_row(str(day), str(count))
    return days


@cli.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A file of `carillon record`.")],
    state: State = None,
) -> None:
    """Take a recorded file into the archive, after its checksum; what is there stays as it is.

    It is the past: no consumer gets it. Done again, or after a fault, it goes on.
    """
    configure_logging("archive", as_json=False, level=30)
    verify(file)
    done = asyncio.run(_import(load(Settings), file, state))
    typer.echo(f"{done.taken} events taken in; {done.known} were there already")
    if done.refused:
        typer.echo(f"{done.refused} are no events that this Carillon can read", err=True)
        raise typer.Exit(code=1)


async def _import(settings: Settings, file: Path, state: State) -> Imported:
    if state is None and settings.amqp_url is not None:
        url = settings.amqp_url.get_secret_value()
        await declare_topology(url)
        return await import_stream(file, Stream(url, settings.stream_port))
    folder = state or settings.state
    folder.mkdir(parents=True, exist_ok=True)
    engine = make_engine(embedded_url(folder, "bus"))
    try:
        await upgrade(engine, "console")
        return await import_embedded(file, engine)
    finally:
        await engine.dispose()
