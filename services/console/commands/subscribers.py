"""`carillon subscribers`: who reads, and what operators do for them."""

import asyncio
import json
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from services.console.commands.embedded import State
from services.console.embedded import Embedded, read_embedded
from services.console.readers import hashed, named, readers
from services.console.show_readers import print_readers
from services.notifier import changes, personal, subscribers
from services.notifier.subscribers import LEFT, SWITCHED_OFF, Kept
from services.notifier.subscription import Subscription
from shared.clock import system_clock
from shared.errors import ConfigurationError

cli = typer.Typer(help="Who reads, and what is on record of them.", no_args_is_help=True)

Who = Annotated[str, typer.Argument(help="Id of a subscription, or a person's mail address.")]
Address = Annotated[str, typer.Argument(help="The person's mail address.")]


@cli.callback()
def readers_of_carillon() -> None:
    """Who reads. With CARILLON_DATABASE_URL set, of the deployment; else of the embedded store."""


@cli.command("list")
def list_readers(state: State = None) -> None:
    """All subscriptions, what each asks for, and how it stands."""
    found = asyncio.run(_everybody(read_embedded(state)))
    print_readers(Console(), found, system_clock())


async def _everybody(embedded: Embedded) -> list[Kept]:
    async with readers(embedded) as found:
        return await subscribers.everybody(found.connection)


@cli.command("pause")
def pause(
    who: Who,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Up to this day; else until it is resumed."),
    ] = None,
    state: State = None,
) -> None:
    """Let nothing be due for a while. The first digest after it catches up."""
    names = asyncio.run(_pause(read_embedded(state), who, until.date() if until else None))
    typer.echo(f"paused: {', '.join(names)}")


async def _pause(embedded: Embedded, who: str, until: date | None) -> list[str]:
    now = system_clock()
    async with readers(embedded) as found:
        own = [one.subscription for one in await named(found.connection, who)]
        for one in own:
            await changes.pause(found.connection, one.id, _begin(one, until), now)
    return [one.id for one in own]


def _begin(one: Subscription, until: date | None) -> datetime | None:
    """Where that day begins for this reader."""
    if until is None:
        return None
    return datetime.combine(until, time(), one.zone).astimezone(UTC)


@cli.command("resume")
def resume(who: Who, state: State = None) -> None:
    """End a pause now, and switch on again what was switched off."""
    names = asyncio.run(_resume(read_embedded(state), who))
    typer.echo(f"resumed: {', '.join(names)}")


async def _resume(embedded: Embedded, who: str) -> list[str]:
    async with readers(embedded) as found:
        own = await named(found.connection, who)
        if any(one.inactive_reason == LEFT and not one.active for one in own):
            raise ConfigurationError(
                "this reader has left: only their new wish brings them back, by the page or by "
                "`carillon subscribe ... --confirmed`"
            )
        for one in own:
            await changes.resume(found.connection, one.subscription.id, system_clock())
            if not one.active:
                await subscribers.activate(found.connection, one.subscription.id)
    return [one.subscription.id for one in own]


@cli.command("remove")
def remove(who: Who, state: State = None) -> None:
    """Switch off; what was sent stays on record, so that nothing comes twice."""
    names = asyncio.run(_remove(read_embedded(state), who))
    typer.echo(f"switched off: {', '.join(names)}")


async def _remove(embedded: Embedded, who: str) -> list[str]:
    async with readers(embedded) as found:
        names = [one.subscription.id for one in await named(found.connection, who)]
        for name in names:
            await subscribers.deactivate(found.connection, name, SWITCHED_OFF)
    return names


@cli.command("export")
def export(
    address: Address,
    out: Annotated[Path | None, typer.Option(help="Write it there, not to the screen.")] = None,
    state: State = None,
) -> None:
    """Everything on record about a person, as JSON."""
    text = json.dumps(asyncio.run(_export(read_embedded(state), address)), indent=2)
    if out is None:
        typer.echo(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")
        typer.echo(f"written to {out}")


async def _export(embedded: Embedded, address: str) -> dict[str, object]:
    async with readers(embedded) as found:
        return await personal.export(found.connection, hashed(address))


@cli.command("delete")
def delete(
    address: Address,
    suppress: Annotated[
        bool, typer.Option("--suppress", help="Keep the hash, so that nobody subscribes them.")
    ] = False,
    state: State = None,
) -> None:
    """Forget a person: subscriptions, digests, what they were sent, letters and remarks."""
    number = asyncio.run(_delete(read_embedded(state), address, suppress=suppress))
    typer.echo(f"forgotten, with {number} subscription{'s' * (number != 1)}")


async def _delete(embedded: Embedded, address: str, *, suppress: bool) -> int:
    async with readers(embedded) as found:
        who, now = hashed(address), system_clock()
        return await personal.forget(found.connection, who, now, suppressed=suppress)
