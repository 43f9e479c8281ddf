"""`carillon digest`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.artefacts import write_digest
from services.console.commands.embedded import State, TopicId
from services.console.embedded import Embedded, opened, read_embedded
from services.console.show import print_digest
from services.notifier import subscribers
from services.notifier.digest import Digest
from services.notifier.entries import read_entry
from services.notifier.plan import preview as preview_digest
from services.notifier.render.mail import Envelope
from services.notifier.subscription import Subscription
from shared.clock import system_clock
from shared.database import transaction
from shared.errors import ConfigurationError
from shared.logs import configure_logging

cli = typer.Typer(help="Digests, without sending any.", no_args_is_help=True)

NOBODY = "nobody@example.invalid"


@cli.callback()
def digest() -> None:
    """Digests, without sending any."""


@cli.command("preview")
def preview(
    subscription: Annotated[
        str | None, typer.Argument(help="Id of a subscription; without one, of a new reader.")
    ] = None,
    state: State = None,
    topic: TopicId = None,
    out: Annotated[
        Path | None, typer.Option(help="Also write it there as HTML, text, .eml and Slack.")
    ] = None,
) -> None:
    """Show the digest as it would be if it were due now. Nothing is sent or noted."""
    configure_logging("carillon", as_json=False, level=40)
    embedded = read_embedded(state)
    shown = asyncio.run(_preview(embedded, embedded.topic(topic).id, subscription))
    if shown is None:
        raise ConfigurationError("nothing was polled yet: run `carillon poll` first")
    print_digest(Console(), shown)
    if out:
        identity = embedded.notifier.identity()
        write_digest(out, shown, Envelope(identity.sender, NOBODY, identity.list_id, identity.host))
        typer.echo(f"written to {out}/")


async def _preview(embedded: Embedded, topic: str, wanted: str | None) -> Digest | None:
    async with opened(embedded) as line:
        if wanted is None:
            reader = read_entry({"topic": topic, "address": NOBODY}, "preview", system_clock())
        else:
            reader = await _find(line.stores.notifier, wanted)
        background = embedded.notifier.background_per_digest
        store = line.stores.notifier
        return await preview_digest(store, reader, system_clock(), background)


async def _find(engine: AsyncEngine, wanted: str) -> Subscription:
    async with transaction(engine) as connection:
        found = await subscribers.mailable(connection)
    by_id = {one.id: one for one in found}
    if wanted not in by_id:
        known = ", ".join(sorted(by_id)) or "none"
        raise ConfigurationError(f"no active subscription {wanted!r}; active are: {known}")
    return by_id[wanted]
