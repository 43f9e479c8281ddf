"""`carillon parked`: what waits for a person."""

import asyncio
import getpass
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer
from rich.console import Console

from services.console.commands.embedded import State
from services.console.parked.choose import Filter, choose, may_go
from services.console.parked.edit import edited, in_editor
from services.console.parked.message import Parked, Whole
from services.console.parked.parking import parking
from services.console.parked.record import Order
from services.console.show_parked import (
    pretty,
    print_each,
    print_groups,
    print_plan,
    print_whole,
)
from shared.errors import ConfigurationError, Retryable
from shared.events import Resolution
from shared.logs import configure_logging

cli = typer.Typer(help="Messages that could not be handled.", invoke_without_command=True)

Ids = Annotated[list[str] | None, typer.Argument(help="Ids, or how they begin.")]
Id = Annotated[str, typer.Argument(help="An id, or how it begins.")]
Queue = Annotated[str | None, typer.Option(help="classifier or notifier.")]
Reason = Annotated[str | None, typer.Option(help="permanent, bug, exhausted, killer ...")]
Type = Annotated[str | None, typer.Option("--type", help="An event's type.")]
Pmid = Annotated[int | None, typer.Option(help="An article's PMID.")]
By = Annotated[str | None, typer.Option(help="Who acts, for the record; else your user name.")]
Because = Annotated[str, typer.Option(help="Why, for the record.")]


@cli.callback()
def parked(
    context: typer.Context,
    state: State = None,
    queue: Queue = None,
    reason: Reason = None,
    type_: Type = None,
    pmid: Pmid = None,
    each: Annotated[bool, typer.Option("--each", help="A line for each, with its id.")] = False,
) -> None:
    """List what is parked, by queue and reason. Nothing is taken away by looking.

    With CARILLON_AMQP_URL set, of the deployment, unless --state names an embedded one.
    """
    configure_logging("parked", as_json=False, level=40)
    wanted = Filter((), queue, reason, type_, pmid)
    if context.invoked_subcommand is not None:
        if state or each or not wanted.is_empty:
            raise ConfigurationError(f"give options after `{context.invoked_subcommand}`")
        return
    found = asyncio.run(_chosen(state, wanted))
    (print_each if each else print_groups)(Console(), found)


@cli.command("show")
def show(
    name: Id,
    state: State = None,
    queue: Queue = None,
    body: Annotated[bool, typer.Option("--body", help="The body alone, to be edited.")] = False,
) -> None:
    """Print one message whole: why it is parked, headers, body, traceback."""
    found = asyncio.run(_show(state, Filter((name,), queue)))
    if body:
        typer.echo(pretty(_one(found).body))
        return
    for whole in found:
        print_whole(Console(), whole)


@cli.command("redrive")
def redrive(
    ids: Ids = None,
    state: State = None,
    queue: Queue = None,
    reason: Reason = None,
    type_: Type = None,
    pmid: Pmid = None,
    all_: Annotated[bool, typer.Option("--all", help="Everything that is parked.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also what is permanent, or a killer.")
    ] = False,
    go: Annotated[bool, typer.Option("--go", help="Do it; else it is only said.")] = False,
    by: By = None,
    because: Because = "",
) -> None:
    """Put messages back into the queue of the consumer that parked them."""
    wanted = Filter(tuple(ids or ()), queue, reason, type_, pmid)
    if wanted.is_empty != all_:
        raise ConfigurationError("say which: ids, --queue, --reason, --type, --pmid; or --all")
    asyncio.run(_redrive(state, wanted, _order("redriven", by, because, forced=force), go=go))


@cli.command("edit")
def edit(
    name: Id,
    state: State = None,
    queue: Queue = None,
    file: Annotated[
        Path | None, typer.Option(help="The edited message, - for stdin; else $EDITOR opens it.")
    ] = None,
    by: By = None,
    because: Because = "",
) -> None:
    """Correct a message, check that it is a valid event, and send it to its consumer."""
    whole = _one(asyncio.run(_show(state, Filter((name,), queue))))
    text = _given(file) if file else in_editor(pretty(whole.body))
    event, body = edited(text, whole.body, whole.parked.consumer)
    order = replace(_order("edited", by, because), body=body, edited_to=event.id)
    if not asyncio.run(_settle(state, order, (whole.parked,))):
        raise Retryable("it is not there any more: somebody else has settled it")
    typer.echo(f"sent to the {whole.parked.consumer} as {event.id}")


@cli.command("discard")
def discard(
    ids: Annotated[list[str], typer.Argument(help="Ids, or how they begin.")],
    because: Annotated[str, typer.Option(help="Why it may be dropped; kept on record.")],
    state: State = None,
    queue: Queue = None,
    by: By = None,
) -> None:
    """Drop messages for good. The record says who did it, and why; never what was in them."""
    if not because.strip():
        raise ConfigurationError("--because: say why it may be dropped")
    wanted = Filter(tuple(ids), queue)
    gone = asyncio.run(_discard(state, wanted, _order("discarded", by, because)))
    typer.echo(f"{gone} discarded")


def _given(file: Path) -> str:
    try:
        given = sys.stdin.buffer.read() if file == Path("-") else file.read_bytes()
        return given.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read ({type(error).__name__})") from error


def _order(resolution: Resolution, by: str | None, because: str, *, forced: bool = False) -> Order:
    return Order(str(uuid4()), resolution, frozenset(), by or user(), because, forced)


def user() -> str:
    """Who is at the keyboard; a container's user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"


async def _chosen(state: Path | None, wanted: Filter) -> tuple[Parked, ...]:
    async with parking(state) as where:
        return choose(await where.look(wanted.queue), wanted)


async def _show(state: Path | None, wanted: Filter) -> list[Whole]:
    async with parking(state) as where:
        keys = dict.fromkeys(one.key for one in choose(await where.look(wanted.queue), wanted))
        return [whole for key in keys for whole in await where.whole(key)]


async def _redrive(state: Path | None, wanted: Filter, order: Order, *, go: bool) -> None:
    async with parking(state) as where:
        meant = choose(await where.look(wanted.queue), wanted)
        chosen = may_go(meant, forced=order.forced)
        print_plan(Console(), chosen, go=go)
        if not go:
            typer.echo("nothing was moved: --go does it")
            return
        gone = await where.settle(replace(order, keys=_keys(chosen.to_go)))
        typer.echo(f"{gone} put back")
        if gone < len(chosen.to_go):
            raise Retryable(f"{len(chosen.to_go) - gone} were not there any more: look again")


def _one(found: Sequence[Whole]) -> Whole:
    if len({whole.parked.key for whole in found}) > 1:
        raise ConfigurationError("it is parked at several consumers: name one with --queue")
    return found[0]


async def _settle(state: Path | None, order: Order, chosen: Sequence[Parked]) -> int:
    async with parking(state) as where:
        return await where.settle(replace(order, keys=_keys(chosen)))


async def _discard(state: Path | None, wanted: Filter, order: Order) -> int:
    async with parking(state) as where:
        chosen = choose(await where.look(wanted.queue), wanted)
        return await where.settle(replace(order, keys=_keys(chosen)))


def _keys(chosen: Sequence[Parked]) -> frozenset[tuple[str, str]]:
    return frozenset(one.key for one in chosen)
