"""`carillon replay list`, `show`, `pause`, `resume` and `cancel`."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from services.console.commands.filters import File, State
from services.console.commands.parked import user
from services.console.commands.replay_work import WAIT_SECONDS, Places, go_on, report
from services.console.replay.journal import Wanted
from services.console.replay.place import opened_place
from services.console.replay.session import Session
from services.console.settings import Settings
from services.console.show_replay import print_list
from shared.clock import system_clock
from shared.logs import configure_logging
from shared.settings import load

__all__ = ["Wait", "steering", "user"]

Id = Annotated[str, typer.Argument(help="A replay's id, or how it begins.")]
Wait = Annotated[
    float,
    typer.Option(min=0, help="Seconds without a new outcome, before the report is made."),
]
T = TypeVar("T")


def steering(cli: typer.Typer) -> None:
    """Add the commands to those of `carillon replay`."""
    for name, command in (("list", listing), ("show", show), ("pause", pause),
                          ("resume", resume), ("cancel", cancel)):  # fmt: skip
        cli.command(name)(command)


def listing(state: State = None) -> None:
    """All replays through the queues, the latest first."""
    found = _with(state, lambda session: session.everything())
    print_list(Console(), found, system_clock())


def show(replay: Id, state: State = None) -> None:
    """How a replay stands, and what came of it, counted anew."""

    async def shown(session: Session) -> bool:
        found = await session.told((await session.standing(replay)).order.replay_id)
        return await report(Console(), session, found)

    if not _with(state, shown):
        raise typer.Exit(code=1)


def pause(replay: Id, state: State = None) -> None:
    """Let a replay stand where it is, with the batch that is under way."""
    _with(state, lambda session: _asked(session, replay, "paused"))
    typer.echo("it is paused, or will be within seconds; `carillon replay resume` goes on")


def cancel(replay: Id, state: State = None) -> None:
    """End a replay. What was sent stays sent."""
    _with(state, lambda session: _asked(session, replay, "cancelled"))
    typer.echo("it is cancelled, or will be within seconds")


def resume(replay: Id, state: State = None, file: File = None, wait: Wait = WAIT_SECONDS) -> None:
    """Go on with a replay that was paused, or whose process died."""
    configure_logging("replay", as_json=False, level=30)
    if not asyncio.run(go_on(Console(), replay, Places(state, file), wait)):
        raise typer.Exit(code=1)


async def _asked(session: Session, name: str, wanted: Wanted) -> None:
    await session.ask((await session.standing(name)).order.replay_id, wanted)


def _with(state: Path | None, act: Callable[[Session], Awaitable[T]]) -> T:
    configure_logging("replay", as_json=False, level=30)

    async def done() -> T:
        async with opened_place(load(Settings), state) as place:
            return await act(Session(place, system_clock))

    return asyncio.run(done())
