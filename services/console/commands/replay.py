"""`carillon replay`: a stretch of the past through today's code."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.archive.source import opened_source
from services.console.commands.filters import (
    File,
    Labels,
    Last,
    Pmids,
    Relations,
    ReplayId,
    Since,
    State,
    Statuses,
    Topics,
    Types,
    Until,
)
from services.console.commands.replay_sandbox import (
    Out,
    RecordedLabels,
    SandboxWish,
    SubscriptionsFile,
    TaxonomyFile,
    live_once_more,
)
from services.console.commands.replay_steer import Wait, steering, user
from services.console.commands.replay_work import WAIT_SECONDS, Places, Wish, begin, confirm
from services.console.parked.parking import parking
from services.console.replay.planning import Plan, plan
from services.console.replay.readers import Touched, touched
from services.console.replay.routes import BROKER, routes
from services.console.replay.selection import Asked, Selection, parse_selection
from services.console.settings import Settings
from services.console.show_replay import print_plan, print_touched, print_way
from services.console.stores import deployed_stores, embedded_stores, opened_before
from shared.clock import system_clock
from shared.errors import CarillonError, ConfigurationError, Retryable
from shared.logs import configure_logging
from shared.settings import load

cli = typer.Typer(
    help="A stretch of the past through today's code: in a sandbox, or through the queues.",
    invoke_without_command=True,
)
steering(cli)

ParkedReason = Annotated[
    str | None, typer.Option("--parked", help="What is parked for this reason: bug, permanent ...")
]


@cli.callback()
def replay(
    context: typer.Context,
    state: State = None,
    file: File = None,
    since: Since = None,
    until: Until = None,
    last: Last = None,
    types: Types = None,
    pmids: Pmids = None,
    labels: Labels = None,
    statuses: Statuses = None,
    relations: Relations = None,
    topics: Topics = None,
    replay_id: ReplayId = None,
    parked: ParkedReason = None,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="In one process, nothing outside touched (default).")
    ] = False,
    out: Out = None,
    taxonomy: TaxonomyFile = None,
    subscriptions: SubscriptionsFile = None,
    recorded_labels: RecordedLabels = False,
    broker: Annotated[
        bool, typer.Option("--broker", help="Through the deployment's queues, marked.")
    ] = False,
    queue: Annotated[
        str | None, typer.Option(help="To this consumer alone: classifier or notifier.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Process again what was processed already.")
    ] = False,
    to: Annotated[
        list[str] | None,
        typer.Option(help="Ids of subscriptions that a marked digest may really go to."),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.001, help="At most so many events a second.")
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(min=0.001, help="So many times as fast as it was: 60, an hour in a minute."),
    ] = None,
    wait: Wait = WAIT_SECONDS,
    yes_send_to: Annotated[
        int | None, typer.Option(help="How many --to names, said once more; else it is asked.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who, for the record; else your user.")] = None,
    because: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    go: Annotated[bool, typer.Option("--go", help="Do it; else it is only said.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say it, as without --go.")
    ] = False,
) -> None:
    """Say what would be replayed, and with --go replay it. Live digests are what they would be.

    Everything is meant that no filter leaves out, but for what earlier replays made.
    """
    if context.invoked_subcommand is not None:
        return
    configure_logging("replay", as_json=False, level=30)
    target = _target(sandbox=sandbox, broker=broker, queue=queue)
    wish = Wish(target or BROKER, force, _ids(to), rate, speed, by or user(), because, wait)
    if target is None and (force or to or rate or speed):
        raise ConfigurationError("--force, --to, --rate and --speed are for --broker and --queue")
    alone = SandboxWish(out, taxonomy, subscriptions, recorded_labels)
    if target is not None and not alone.is_empty:
        raise ConfigurationError(
            "--out, --taxonomy, --subscriptions and --recorded-labels are for the sandbox"
        )
    asked = Asked(since, until, last, types, pmids, labels, statuses, relations, topics, replay_id)
    selection = parse_selection(asked, system_clock())
    if parked is not None:
        selection = replace(selection, ids=asyncio.run(_parked_ids(state, parked)))
    console, places = Console(), Places(state, file)
    found = asyncio.run(_planned(console, selection, wish, places, queues=target is not None))
    if dry_run or not go:
        console.print("nothing was replayed: --go does it")
        return
    if target is None:
        if not asyncio.run(live_once_more(console, selection, places, alone)):
            raise typer.Exit(code=1)
        return
    if not found.chosen:
        raise ConfigurationError("there is nothing to replay")
    confirm(wish, yes_send_to)
    if not asyncio.run(begin(console, wish, selection, found, places)):
        raise typer.Exit(code=1)


def _target(*, sandbox: bool, broker: bool, queue: str | None) -> str | None:
    if sandbox + broker + (queue is not None) > 1:
        raise ConfigurationError("one target: --sandbox, --broker or --queue NAME")
    return BROKER if broker else queue


def _ids(to: list[str] | None) -> tuple[str, ...]:
    parts = (one.strip() for text in to or () for one in text.split(","))
    return tuple(dict.fromkeys(filter(None, parts)))


async def _planned(
    console: Console, selection: Selection, wish: Wish, places: Places, *, queues: bool
) -> Plan:
    """Say what would be done, and for a replay through the queues where to and whom it concerns."""
    settings = load(Settings)
    ways = routes(wish.target, selection.types, forced=wish.forced)
    async with opened_source(settings, places.state, places.file) as source:
        found = await plan(source.read, selection, ways)
    console.print(f"Archive: {source.name}; {selection}", highlight=False, markup=False)
    print_plan(console, found)
    if queues:
        takes = found.duration(wish.rate, wish.speed)
        print_way(console, found, takes, limited=bool(wish.rate or wish.speed))
        print_touched(console, await _touched(settings, places.state, wish.to, found))
    return found


async def _parked_ids(state: Path | None, reason: str) -> frozenset[str]:
    """The ids of what is parked for that reason; the messages stay where they are."""
    async with parking(state) as where:
        found = [one for one in await where.look() if one.reason == reason]
    if not found:
        raise ConfigurationError(f"nothing is parked for the reason {reason!r}")
    return frozenset(name for one in found for name in one.names)


async def _touched(
    settings: Settings, state: Path | None, to: tuple[str, ...], found: Plan
) -> Touched | CarillonError:
    """Whom it concerns, or why that cannot be told. Who is named has to be known."""
    try:
        async with _notifier(settings, state) as engine:
            return await touched(engine, to, found.by_topic)
    except (Retryable, _NoStore) as fault:
        if to:
            raise
        return fault


class _NoStore(ConfigurationError):
    """The notifier's store is not within reach."""


@asynccontextmanager
async def _notifier(settings: Settings, state: Path | None) -> AsyncIterator[AsyncEngine]:
    if state is None and settings.database_url is not None:
        stores = deployed_stores(settings.database_url.get_secret_value())
    elif opened_before(state or settings.state):
        stores = embedded_stores(state or settings.state)
    else:
        raise _NoStore("set CARILLON_DATABASE_URL, or name the embedded stores with --state")
    try:
        yield stores.notifier
    finally:
        await stores.close()
