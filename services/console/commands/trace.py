"""`carillon trace`: one article's life, in the order of time."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from services.console.commands.embedded import State
from services.console.settings import Settings
from services.console.show_trace import as_json, print_trace
from services.console.trace.places import Asked
from services.console.trace.reading import gather
from services.console.trace.timeline import Trace, trace
from shared.clock import system_clock
from shared.logs import configure_logging
from shared.settings import load

LARGEST = 2**31 - 1
"""PMIDs have eight digits; a larger number is no question for a database."""

Topic = Annotated[str | None, typer.Option("--topic", help="Of this topic only.")]


def trace_(
    pmid: Annotated[int, typer.Argument(min=1, max=LARGEST, help="Its number in PubMed.")],
    state: State = None,
    topic: Topic = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON, with every id.")] = False,
) -> None:
    """Tell when and why an article came, what changed, how it was labelled, and whom it was told.

    Exit code 1 when the article is not known, or a place could not be looked at. With
    CARILLON_DATABASE_URL and CARILLON_AMQP_URL set, of the deployment, unless --state names an
    embedded one. Nobody's address is told: subscriptions have ids.
    """
    configure_logging("trace", as_json=False, level=40)
    found = asyncio.run(_trace(load(Settings), Asked(pmid, topic, state, system_clock())))
    if json:
        typer.echo(as_json(found))
    else:
        print_trace(Console(), found)
    if not found.is_known or found.gaps:
        raise typer.Exit(code=1)


async def _trace(settings: Settings, asked: Asked) -> Trace:
    return trace(await gather(settings, asked))
