"""`carillon backup`, `restore` and `sending`: a copy of everything, back again, and what then."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from services.console.archive.stream import Stream
from services.console.commands.filters import State
from services.console.embedded import Embedded, read_embedded
from services.console.keeping.backup import back_up_deployment, back_up_embedded
from services.console.keeping.manifest import Manifest
from services.console.keeping.restore import (
    Restored,
    Source,
    opened,
    restore_deployment,
    restore_embedded,
)
from services.console.readers import readers
from services.console.replay.selection import instant
from services.console.settings import Settings
from services.notifier import hold, resume
from services.notifier.hold import Hold
from services.notifier.resume import Counted
from shared.clock import system_clock
from shared.errors import ConfigurationError
from shared.logs import configure_logging
from shared.settings import load

Folder = Annotated[Path, typer.Argument(help="The folder of the backup.")]
Later = Annotated[
    Path | None,
    typer.Option(help="What `carillon record` wrote of the old archive after the backup, if any."),
]

sending = typer.Typer(help="Sending, held since a restore.", invoke_without_command=True)


def backup(folder: Folder, state: State = None) -> None:
    """Copy all stores and the archive into a new folder; everything goes on meanwhile.

    Addresses are in it. The keys are not: keep those elsewhere.
    """
    configure_logging("backup", as_json=False, level=30)
    made = asyncio.run(_back_up(load(Settings), state, folder))
    typer.echo(f"{folder}: as of {made.taken_at:%Y-%m-%d %H:%M:%S} UTC, {_extent(made)}")


def _extent(made: Manifest) -> str:
    rows = sum(part.rows for store in made.stores.values() for part in store.parts)
    archived = f", {made.archive.rows} events of the archive" if made.archive else ""
    return f"{rows} rows of {len(made.stores)} stores{archived}"


async def _back_up(settings: Settings, state: Path | None, folder: Path) -> Manifest:
    place = _deployment(settings, state)
    if place is None:
        return await back_up_embedded(state or settings.state, folder, system_clock)
    return await back_up_deployment(*place, folder, system_clock)


def _deployment(settings: Settings, state: Path | None) -> tuple[str, Stream] | None:
    """Database and archive of the deployment; None for the embedded mode."""
    if state is not None or (settings.database_url is None and settings.amqp_url is None):
        return None
    if settings.database_url is None or settings.amqp_url is None:
        raise ConfigurationError(
            "set both CARILLON_DATABASE_URL and CARILLON_AMQP_URL (Compose does), or --state for "
            "the embedded mode"
        )
    stream = Stream(settings.amqp_url.get_secret_value(), settings.stream_port)
    return settings.database_url.get_secret_value(), stream


def restore(folder: Folder, later: Later = None, state: State = None) -> None:
    """Make an empty installation what the backup was. Its services must not run yet.

    Nothing is sent afterwards until you have decided what was sent after the backup:
    `carillon sending` says how.
    """
    configure_logging("restore", as_json=False, level=30)
    settings = load(Settings)
    place = _deployment(settings, state)
    source = opened(folder, "sqlite" if place is None else "postgresql", later)
    done = asyncio.run(_restore(place, source, state or settings.state))
    typer.echo(f"restored: as of {done.manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC, "
               f"{_extent(done.manifest)}")  # fmt: skip
    typer.echo(f"{done.handed_on} events were between the services, and are again")
    if done.sent_since:
        typer.echo(f"{done.sent_since} digests were sent after the backup, by the archive: "
                   "they count as sent")  # fmt: skip
    typer.echo("Sending is held. Start the services, then see `carillon sending`.")


async def _restore(place: tuple[str, Stream] | None, source: Source, state: Path) -> Restored:
    if place is None:
        return await restore_embedded(state, source, system_clock)
    return await restore_deployment(*place, source, system_clock)


@sending.callback()
def show(context: typer.Context, state: State = None) -> None:
    """Say whether sending is held, why, and what can be decided; exit code 1 while it is."""
    if context.invoked_subcommand:
        return
    found = asyncio.run(_standing(read_embedded(state)))
    if found is None:
        typer.echo("Sending is not held.")
        return
    for line in told(found):
        typer.echo(line)
    raise typer.Exit(code=1)


async def _standing(embedded: Embedded) -> Hold | None:
    async with readers(embedded) as found:
        return await hold.standing(found.connection)


def told(found: Hold) -> list[str]:
    """A hold in an operator's words, with the ways out of it."""
    return [
        f"Sending is held since {found.since:%Y-%m-%d %H:%M} UTC: {found.reason}.",
        f"What was sent after {found.known_until:%Y-%m-%d %H:%M} UTC is not known. Decide:",
        "  carillon sending resume --count-as-told    what was due since then counts as told:",
        "      nobody is told twice; what was not sent after all is listed, and not sent",
        "      (--until TIME: only what was due by then, if sending had stopped earlier)",
        "  carillon sending resume --again            it is told: nothing is missed, and what was",
        "      sent after the backup comes twice",
    ]


@sending.command("resume")
def resume_sending(
    again: Annotated[bool, typer.Option("--again", help="What may have been sent is.")] = False,
    count_as_told: Annotated[
        bool, typer.Option("--count-as-told", help="What may have been sent is not.")
    ] = False,
    until: Annotated[
        str | None, typer.Option(help="When the lost installation sent its last; else the restore.")
    ] = None,
    state: State = None,
) -> None:
    """Let sending go on, and say what becomes of what may have been sent after the backup."""
    configure_logging("sending", as_json=False, level=30)
    if again == count_as_told:
        raise ConfigurationError(
            "say one of --count-as-told and --again: `carillon sending` says what they do"
        )
    if until and again:
        raise ConfigurationError("--until goes with --count-as-told")
    now = system_clock()
    decided = asyncio.run(
        _resume(read_embedded(state), (again, instant(until, now, "--until")), now)
    )
    for one in decided:
        typer.echo(f"{one.subscription_id}  due {one.due_at:%Y-%m-%d %H:%M} UTC  counts as told: "
                   + " ".join(map(str, one.pmids)))  # fmt: skip
    typer.echo(f"Sending goes on; {sum(len(one.pmids) for one in decided)} papers count as told.")


async def _resume(
    embedded: Embedded, wanted: tuple[bool, datetime | None], now: datetime
) -> list[Counted]:
    again, until = wanted
    async with readers(embedded) as found:
        if again:
            await resume.again(found.connection, now)
            return []
        held = await hold.standing(found.connection)
        end = until or (held.since if held else now)
        background = embedded.notifier.background_per_digest
        return await resume.count_as_told(found.connection, end.astimezone(UTC), now, background)
