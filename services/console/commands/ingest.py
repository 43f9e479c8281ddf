"""`carillon ingest`: NLM's baseline and daily update files, filtered for a topic."""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.commands.backfill import until_published
from services.console.embedded import Embedded, opened, read_embedded
from services.console.settings import Settings
from services.console.stores import deployed_stores
from services.poller.ingest.plan import Wishes
from services.poller.ingest.readers import Readers
from services.poller.ingest.report import Report
from services.poller.ingest.run import ingest as take_in
from services.poller.ingest.take import Intake
from services.poller.topic import Topic
from shared.clock import Clock, system_clock
from shared.logs import configure_logging
from shared.settings import load

_COUNTED = ("records", "matched", "new", "revised", "deleted", "refused")
_COLOURS = {"broken": "red", "refused": "red", "skipped": "yellow"}
_WARNINGS = 5
"""So many are printed: of 1,300 files without a sum beside them the first few say it all."""

Carry = Callable[[], Awaitable[object]]
"""Sees to it that the events of a file are on their way before the next one is taken in."""


@dataclass(frozen=True)
class Wanted:
    """What the person asked for."""

    topic: Topic
    files: Sequence[Path]
    wishes: Wishes
    processes: int


@dataclass(frozen=True)
class Store:
    """The poller's store, embedded or deployed, and what carries its events on."""

    engine: AsyncEngine
    clock: Clock
    carry: Carry


def ingest(
    files: Annotated[list[Path], typer.Argument(help="Files of NLM, pubmed26n0001.xml.gz ...")],
    topic: Annotated[str | None, typer.Option(help="Id of the topic, if there are more.")] = None,
    state: Annotated[
        Path | None, typer.Option(help="Folder of the stores; CARILLON_STATE, else ./state.")
    ] = None,
    processes: Annotated[
        int, typer.Option(min=1, max=64, help="Reading processes; one for each processor.")
    ] = os.cpu_count() or 1,
    again: Annotated[
        bool, typer.Option("--again", help="Also files that were taken in before.")
    ] = False,
    require_md5: Annotated[
        bool, typer.Option("--require-md5", help="Refuse a file without FILE.md5 beside it.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and filter; write nothing.")
    ] = False,
) -> None:
    """Take in files of NLM: what is the topic's of them, new, changed or taken out.

    With CARILLON_DATABASE_URL set, into the deployment's store; else into the embedded one. Exit
    code 1 when a record or a file was refused, or a file was left out.
    """
    configure_logging("carillon", as_json=False, level=50)
    embedded, console = read_embedded(state), Console()
    wishes = Wishes(again=again, require_md5=require_md5, dry_run=dry_run)
    wanted = Wanted(embedded.topic(topic), files, wishes, processes)
    try:
        reports = asyncio.run(_ingest(console, embedded, wanted))
    except KeyboardInterrupt:
        console.print("Stopped; nothing is lost. To go on, run the same command again.")
        raise typer.Exit(code=130) from None
    print_reports(console, reports)
    if not all(report.well for report in reports):
        raise typer.Exit(code=1)


async def _ingest(console: Console, embedded: Embedded, wanted: Wanted) -> list[Report]:
    async with _store(embedded) as store:
        return await _go(console, embedded, wanted, store)


@asynccontextmanager
async def _store(embedded: Embedded) -> AsyncGenerator[Store, None]:
    url = load(Settings).database_url
    if url is None:
        async with opened(embedded) as line:
            yield Store(line.stores.poller, line.clock, line.carry)
        return
    stores = deployed_stores(url.get_secret_value())
    try:
        yield Store(stores.poller, system_clock, lambda: until_published(stores.poller))
    finally:
        await stores.close()


async def _go(console: Console, embedded: Embedded, wanted: Wanted, store: Store) -> list[Report]:
    reports: list[Report] = []
    # A process that is forked would share the database's connections with its parent.
    context = get_context("spawn")
    with (
        TemporaryDirectory(prefix="carillon-") as folder,
        ProcessPoolExecutor(wanted.processes, mp_context=context) as executor,
        _bar(console) as bar,
    ):
        task = bar.add_task("", total=sum(_size(path) for path in wanted.files))
        intake = Intake(
            engine=store.engine,
            clock=store.clock,
            base_url=embedded.poller.access().base_url,
            readers=Readers(executor, wanted.processes, Path(folder)),
            tell=lambda doing: bar.update(task, description=doing),
        )
        found = take_in(intake, wanted.topic, wanted.files, wanted.wishes)
        async with aclosing(found):
            async for report in found:
                reports.append(report)
                bar.update(task, advance=report.size)
                await store.carry()
    return reports


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def print_reports(console: Console, reports: Sequence[Report]) -> None:
    """A row for each file that was read, the others in words, then all that was not well."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("File", no_wrap=True)
    table.add_column("State")
    for name in _COUNTED:
        table.add_column(name.capitalize(), justify="right")
    before = sum(report.state == "known" for report in reports)
    for report in reports:
        if report.state != "known":
            table.add_row(*_row(report))
    if len(reports) > before:
        console.print(table)
    if before:
        console.print(f"{before} of {len(reports)} files were taken in before.", highlight=False)
    for line, colour in _remarks(reports):
        console.print(f"[{colour}]{escape(line)}[/{colour}]", highlight=False, soft_wrap=True)


def _row(report: Report) -> tuple[str, ...]:
    colour = _COLOURS.get(report.state, "default")
    numbers = (str(report.counts[name]) if report.counts else "" for name in _COUNTED)
    return (escape(report.name), f"[{colour}]{report.state}[/{colour}]", *numbers)


def _remarks(reports: Sequence[Report]) -> list[tuple[str, str]]:
    warnings = [f"{one.name}: {warning}" for one in reports for warning in one.warnings]
    remarks = [(line, "yellow") for line in warnings[:_WARNINGS]]
    if len(warnings) > _WARNINGS:
        remarks.append((f"... and {len(warnings) - _WARNINGS} more warnings", "yellow"))
    for report in reports:
        remarks += [(f"{report.name}: {complaint}", "yellow") for complaint in report.complaints]
        unnamed = report.counts.get("refused", 0) - len(report.complaints)
        if unnamed > 0:
            remarks.append((f"{report.name}: {unnamed} more records not understood", "yellow"))
        if report.error and report.state != "skipped":
            remarks.append((report.error, "red"))
    skipped = [report.name for report in reports if report.state == "skipped"]
    if skipped:
        more = f" and {len(skipped) - 3} more" if len(skipped) > 3 else ""
        named = ", ".join(skipped[:3])
        remarks.append((f"Left out, as they come after it: {named}{more}", "yellow"))
    return remarks
