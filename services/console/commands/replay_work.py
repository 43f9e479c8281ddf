"""A replay through the queues at work: confirmed, shown, and stopped by Ctrl-C."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.console.archive.lines import verify
from services.console.archive.source import opened_source
from services.console.parked.record import nameless
from services.console.replay.journal import Standing
from services.console.replay.order import Order
from services.console.replay.place import opened_place
from services.console.replay.planning import Plan
from services.console.replay.running import Tell
from services.console.replay.selection import Selection
from services.console.replay.session import Session
from services.console.settings import Settings
from services.console.show_replay import print_digests, print_report
from services.notifier.replays_digests import promised
from shared.clock import system_clock
from shared.database import transaction
from shared.errors import ConfigurationError
from shared.settings import load

SHOWN = 10
"""Events named of those that failed or are open."""
WAIT_SECONDS = 60.0
"""Without a new outcome, before the report says what is still open."""


@dataclass(frozen=True)
class Places:
    """Where to look, as typed: the folder of an embedded mode, and a recorded file."""

    state: Path | None = None
    file: Path | None = None


@dataclass(frozen=True)
class Wish:
    """What an operator wants of a replay through the queues; see `Order`."""

    target: str
    forced: bool = False
    to: tuple[str, ...] = ()
    rate: float | None = None
    speed: float | None = None
    by: str = "unknown"
    because: str = ""
    wait: float = WAIT_SECONDS

    def order(self, selection: Selection, source: str, end: int, file: Path | None) -> Order:
        """The order of it, with an id of its own. Who it is, is never an address."""
        return Order(
            replay_id=str(uuid4()),
            target=self.target,
            selection=selection,
            source=source,
            by=nameless(self.by.partition("@")[0]),
            started_at=system_clock(),
            end=end,
            because=nameless(self.because),
            file=str(file.resolve()) if file else None,
            checksum=verify(file).sha256 if file else None,
            forced=self.forced,
            to=self.to,
            rate=self.rate,
            speed=self.speed,
        )


def confirm(wish: Wish, yes_send_to: int | None) -> None:
    """Have it said once more that real mail may go to so many subscriptions.

    Raises:
        ConfigurationError: another number was said, or there is no reason on record.
    """
    if (wish.forced or wish.to) and not wish.because.strip():
        raise ConfigurationError("--because: say for the record why, with --force or --to")
    if not wish.to:
        return
    number = len(wish.to)
    said = yes_send_to
    if said is None:
        said = typer.prompt(f"{number} may really be sent a digest. How many may be?", type=int)
    if said != number:
        raise ConfigurationError(
            f"--to names {number} subscriptions, not {said}: nothing was replayed"
        )


async def begin(
    console: Console, wish: Wish, selection: Selection, found: Plan, places: Places
) -> bool:
    """Begin a replay and run it; whether all of it came to a good end."""
    settings = load(Settings)
    async with (
        opened_place(settings, places.state) as place,
        opened_source(settings, places.state, places.file) as source,
    ):
        order = wish.order(selection, source.name, found.end, places.file)
        with _stoppable() as stopped, _shown(console, found.chosen) as tell:
            session = Session(place, system_clock, stopped, tell)
            await session.begin(order, found.chosen)
            console.print(f"replay {order.replay_id}; Ctrl-C pauses it", highlight=False)
            done = await session.run(order.replay_id, source.read, wish.wait)
        return await report(console, session, done)


async def go_on(console: Console, name: str, places: Places, wait: float) -> bool:
    """Take up a replay that was paused or broken off; whether all of it came to a good end.

    Of one that has ended it is told what there is to tell, should that not have been done.
    """
    settings = load(Settings)
    async with opened_place(settings, places.state) as place:
        session = Session(place, system_clock)
        found = await session.standing(name)
        order = found.order
        if found.finished_at is not None:
            return await report(console, session, await session.told(order.replay_id))
        file = same_file(order, places.file)
        async with opened_source(settings, places.state, file) as source:
            with _stoppable() as stopped, _shown(console, found.chosen) as tell:
                session = Session(place, system_clock, stopped, tell)
                await session.claim(order.replay_id)
                done = await session.run(order.replay_id, source.read, wait)
            return await report(console, session, done)


async def report(console: Console, session: Session, done: Standing) -> bool:
    """Print how a replay stands; whether all of it was sent, and nothing failed or is open."""
    left = await session.left(done.order.replay_id, SHOWN)
    print_report(console, done, left, system_clock())
    failed = await _digests(console, session, done)
    if done.state == "paused":
        name = done.order.replay_id[:8]
        console.print(f"go on with: carillon replay resume {name}", highlight=False)
    return done.state == "finished" and not (done.unsettled or done.missing or failed)


async def _digests(console: Console, session: Session, done: Standing) -> bool:
    """Print what became of the digests of a replay that has ended; whether one of them failed."""
    if done.state != "finished" or not done.order.to:
        return False
    async with transaction(session.place.engine) as connection:
        found = await promised(connection, done.order.replay_id)
    print_digests(console, done.order.to, found)
    return any(one.state == "failed" for one in found)


def same_file(order: Order, given: Path | None) -> Path | None:
    """The recorded file of a replay, which may be somewhere else by now."""
    if order.file is None:
        return None
    file = given or Path(order.file)
    if verify(file).sha256 != order.checksum:
        raise ConfigurationError(f"{file} is not the file that this replay began with")
    return file


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Whether SIGINT or SIGTERM came: they pause a replay instead of breaking it off."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop.is_set
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


@contextmanager
def _shown(console: Console, chosen: int) -> Iterator[Tell]:
    """Two bars, where there is a terminal to show them on."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal
    ) as progress:
        sending = progress.add_task("sent", total=chosen)
        following = progress.add_task("with an outcome", total=chosen)

        def tell(gone: int, noted: int) -> None:
            progress.update(sending, completed=gone)
            progress.update(following, completed=noted)

        yield tell
