"""`carillon poll --since`: the past of a topic, window by window, with a bar and a ledger."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.embedded import Embedded, eutils_of, opened
from services.console.settings import Settings
from services.console.stores import deployed_stores
from services.poller.backfill import Backfill, Step, begin, go_through
from services.poller.backfill_windows import Span
from services.poller.collect import Outside
from services.poller.tables import outbox
from services.poller.topic import Topic
from shared.clock import system_clock
from shared.database import transaction
from shared.errors import Retryable
from shared.outbox import pending
from shared.settings import load

AGAIN = "run the same command again: what is closed is not asked again"
BACKLOG = 2_000
"""Events that may wait in a deployment's outbox: news must not stand behind a long queue."""


@dataclass(frozen=True)
class Result:
    """What was planned, and what became of each window that was asked."""

    planned: Backfill
    steps: tuple[Step, ...]

    @property
    def opened(self) -> int:
        """Windows that are open: PubMed's answer was not complete, or they were not asked."""
        return len(self.planned.windows) - self.closed

    @property
    def closed(self) -> int:
        """Windows that this run closed."""
        return sum(step.leg.state == "closed" for step in self.steps)

    @property
    def found(self) -> tuple[int, int, int]:
        """Articles that are new, those that were known, and records that were parked."""
        legs = [step.leg for step in self.steps]
        new, understood = sum(leg.new for leg in legs), sum(leg.understood for leg in legs)
        return new, understood - new, sum(leg.fetched for leg in legs) - understood


def backfill(embedded: Embedded, topic: Topic, span: Span) -> None:
    """Fill a topic's past; with CARILLON_DATABASE_URL set, that of the deployment.

    Raises:
        ConfigurationError, Retryable: as `services.poller.backfill.begin` and `go_through`;
            Retryable too when nobody publishes the deployment's events.
    """
    console = Console()
    url = load(Settings).database_url
    try:
        if url is None:
            result = asyncio.run(_embedded(console, embedded, topic, span))
        else:
            result = asyncio.run(
                _deployed(console, embedded, (topic, span), url.get_secret_value())
            )
    except KeyboardInterrupt:
        console.print(f"Stopped; nothing is lost. To go on, {AGAIN}.")
        raise typer.Exit(code=130) from None
    print_backfill(console, result)
    if result.opened:
        raise typer.Exit(code=1)


async def _embedded(console: Console, embedded: Embedded, topic: Topic, span: Span) -> Result:
    async with opened(embedded) as line:
        eutils = eutils_of(embedded, line.stores.poller)
        outside = Outside(line.stores.poller, eutils, line.clock)
        try:
            return await _go(console, outside, (topic, span), line.carry)
        finally:
            await eutils.aclose()


async def _deployed(
    console: Console, embedded: Embedded, wanted: tuple[Topic, Span], url: str
) -> Result:
    stores = deployed_stores(url)
    eutils = eutils_of(embedded, stores.poller)
    outside = Outside(stores.poller, eutils, system_clock)
    try:
        return await _go(console, outside, wanted, lambda: until_published(stores.poller))
    finally:
        await eutils.aclose()
        await stores.close()


async def _go(
    console: Console,
    outside: Outside,
    wanted: tuple[Topic, Span],
    after: Callable[[], Awaitable[object]],
) -> Result:
    """Ask all windows; `after` each of them its events are seen on their way."""
    planned = await begin(outside, *wanted)
    steps: list[Step] = []
    with _bar(console) as bar:
        total = planned.closed_before + len(planned.windows)
        task = bar.add_task("", total=total, completed=planned.closed_before, found=0, at="")
        async for step in go_through(outside, planned):
            steps.append(step)
            await after()
            found = sum(one.leg.new for one in steps)
            bar.update(task, advance=1, found=found, at=f"{step.window.first:%Y-%m}")
    return Result(planned, tuple(steps))


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.fields[at]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("windows, {task.fields[found]} new articles"),
        TimeRemainingColumn(),
        console=console,
    )


async def until_published(engine: AsyncEngine, looks: int = 300, seconds: float = 1.0) -> None:
    """Wait until no more than `BACKLOG` events are in the poller's outbox.

    Raises:
        Retryable: none left it within so many looks; or the database is away.
    """
    least: int | None = None
    without = 0
    while (waiting := await _waiting(engine)) > BACKLOG:
        without = 0 if least is None or waiting < least else without + 1
        least = waiting if least is None else min(waiting, least)
        if without >= looks:
            raise Retryable(
                f"{waiting} events wait to be published and none leaves: does the poller run? "
                f"Nothing is lost; start it and {AGAIN}"
            )
        await asyncio.sleep(seconds)


async def _waiting(engine: AsyncEngine) -> int:
    async with transaction(engine) as connection:
        return await pending(connection, outbox)


def print_backfill(console: Console, result: Result) -> None:
    """The windows and articles of a backfill, and why a window is open."""
    planned = result.planned
    if not planned.windows and not planned.closed_before:
        console.print(_nothing(planned.news_from), highlight=False)
        return
    new, known, parked = result.found
    table = Table(title=f"Past of {planned.topic.id}", title_justify="left", show_header=False)
    for name, number in (
        ("windows closed before", planned.closed_before),
        ("windows closed now", result.closed),
        ("windows open", result.opened),
        ("articles new", new),
        ("articles known before", known),
        ("records not understood", parked),
    ):
        table.add_row(name, str(number))
    console.print(table)
    for reason in sorted({step.leg.error for step in result.steps if step.leg.error}):
        console.print(f"[yellow]{escape(reason)}[/yellow]", highlight=False)
    if result.opened:
        console.print(f"[yellow]Not complete: {AGAIN}.[/yellow]", highlight=False)


def _nothing(since: datetime) -> str:
    return f"Nothing to fill: polls themselves look for all that came since {since:%Y-%m-%d}."
