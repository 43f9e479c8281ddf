"""A replay in the sandbox: what it reads, and what is said of it."""

from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from services.classifier.settings import Settings as ClassifierSettings
from services.classifier.taxonomy import load_taxonomy
from services.console.archive.source import opened_source
from services.console.commands.replay_work import Places
from services.console.readers import stored
from services.console.replay.sandbox.folder import refuse_foreign
from services.console.replay.sandbox.readers import of_deployment, of_file
from services.console.replay.sandbox.result import Report
from services.console.replay.sandbox.run import Options, run_sandbox
from services.console.replay.selection import Selection
from services.console.settings import Settings
from services.notifier.settings import Settings as NotifierSettings
from services.notifier.subscription import Subscription
from shared.errors import Retryable
from shared.settings import load

OUT = Path("replay")
SHOWN = 10
"""Faults shown one by one; the report has all."""

_UNUSED = {"database_url": "sandbox", "amqp_url": "sandbox"}

Out = Annotated[Path | None, typer.Option(help=f"Folder for what the sandbox makes; else {OUT}/.")]
TaxonomyFile = Annotated[
    Path | None, typer.Option("--taxonomy", help="Labels of this file, in the sandbox.")
]
SubscriptionsFile = Annotated[
    Path | None,
    typer.Option("--subscriptions", help="In the sandbox, for the readers of this file."),
]
RecordedLabels = Annotated[
    bool,
    typer.Option("--recorded-labels", help="In the sandbox, take the labels as they were."),
]


@dataclass(frozen=True)
class SandboxWish:
    """What an operator wants of a replay in the sandbox; paths as typed."""

    out: Path | None = None
    taxonomy: Path | None = None
    subscriptions: Path | None = None
    recorded_labels: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was asked for that only the sandbox has."""
        return self == SandboxWish()


async def live_once_more(
    console: Console, selection: Selection, places: Places, wish: SandboxWish
) -> bool:
    """Replay in the sandbox and say what came of it; False when not all of it could be.

    Raises:
        ConfigurationError: the folder, the taxonomy, the readers or the archive cannot be used.
    """
    settings, out, start = load(Settings), wish.out or OUT, monotonic()
    refuse_foreign(out)
    taxonomy = wish.taxonomy or load(ClassifierSettings, _UNUSED).taxonomy
    options = Options(
        taxonomy=load_taxonomy(taxonomy),
        subscriptions=await _readers(console, settings, places, wish.subscriptions),
        recorded_labels=wish.recorded_labels,
        until=selection.until,
        background=load(NotifierSettings, _UNUSED).background_per_digest,
    )
    async with opened_source(settings, places.state, places.file) as source:
        report = await run_sandbox(source.read, selection, out, options)
    _tell(console, report, out, monotonic() - start)
    return report.is_whole


async def _readers(
    console: Console, settings: Settings, places: Places, file: Path | None
) -> tuple[Subscription, ...] | None:
    """Those of a file; else the archive's own installation's; `None`, for examples, without any."""
    if file is not None:
        return of_file(file)
    found: tuple[Subscription, ...] = ()
    if places.file is None or places.state is not None:
        try:
            found = of_deployment(await stored(settings, places.state))
        except Retryable as fault:
            console.print(f"[yellow]its readers cannot be read: {escape(str(fault))}[/yellow]")
    if found:
        console.print(f"for its own {len(found)} subscriptions, without their addresses")
        return found
    console.print("for example readers: daily, weekly and in Slack (--subscriptions names others)")
    return None


def _tell(console: Console, report: Report, out: Path, seconds: float) -> None:
    fed, told = sum(report.fed.values()), len(report.digests)
    console.print(
        f"{fed} events in {seconds:.1f} s: {len(report.labels)} revisions labelled, {told} digests",
        highlight=False,
    )
    for note in report.notes:
        console.print(f"[yellow]{escape(note)}[/yellow]", highlight=False)
    if not report.fed:
        console.print("[red]nothing of what was chosen is an input of the services[/red]")
    if report.faults:
        console.print(f"[red]could not be replayed: {len(report.faults)}[/red]", highlight=False)
    for one in report.faults[:SHOWN]:
        name = one.event_id or f"entry {one.position}"
        console.print(f"  {one.where}: {escape(name)}: {escape(one.error)}", highlight=False)
    console.print(f"{out}/report.md", highlight=False, markup=False)
