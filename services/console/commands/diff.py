"""`carillon diff`: what another classifier, or another taxonomy, would make of the past."""

import asyncio
import sys
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from services.classifier.classify import CLASSIFIER_VERSION
from services.classifier.evaluation.gold import Example, read_gold
from services.classifier.settings import Settings as ClassifierSettings
from services.classifier.taxonomy import Taxonomy, load_taxonomy
from services.console.archive.source import opened_source
from services.console.commands.filters import (
    File,
    Labels,
    Last,
    Pmids,
    Relations,
    Since,
    State,
    Statuses,
    Topics,
    Until,
)
from services.console.diff.document import write_document
from services.console.diff.page import write_page
from services.console.diff.readers import subscribers_of
from services.console.diff.revision import by_revision
from services.console.diff.run import Asked, Comparison, run
from services.console.diff.show import print_comparison
from services.console.diff.sides import Side, by_rules
from services.console.diff.spool import open_spool
from services.console.diff.words import Names
from services.console.replay.selection import Asked as AskedFor
from services.console.replay.selection import Selection, parse_selection
from services.console.settings import Settings
from shared.clock import system_clock
from shared.errors import CarillonError, ConfigurationError
from shared.logs import configure_logging
from shared.settings import load

CHANGED, FAULT = 1, 2
"""Exit codes; 0 when nothing differs."""

NOTHING = (
    "nothing to compare: {} has no discovery that is meant ({}). "
    "`carillon archive` shows what there is"
)

WIDE = 120
"""Columns of what goes to a file."""


@dataclass(frozen=True)
class Options:
    """The command's own options, the selection aside."""

    taxonomy: Path | None
    against: str
    subscriptions: Path | None
    gold: list[Path]
    state: Path | None
    file: Path | None


def diff(
    taxonomy: Annotated[
        Path | None, typer.Option(help="A taxonomy to try; without it, the one that is installed.")
    ] = None,
    against: Annotated[
        str,
        typer.Option(
            help="The old side: recorded, installed (recomputed with the installed taxonomy), "
            "or git:REV (that revision's classifier)."
        ),
    ] = "recorded",
    html: Annotated[Path | None, typer.Option(help="Write a page there.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    gold: Annotated[
        list[Path] | None,
        typer.Option(help="Labelled examples, as for eval: precision and recall of both sides."),
    ] = None,
    subscriptions: Annotated[
        Path | None, typer.Option(help="Look at this file's subscriptions, not the store's.")
    ] = None,
    state: State = None,
    file: File = None,
    since: Since = None,
    until: Until = None,
    last: Last = None,
    pmids: Pmids = None,
    labels: Labels = None,
    statuses: Statuses = None,
    relations: Relations = None,
    topics: Topics = None,
) -> None:
    """Put the recorded discoveries through a classifier, and show what differs from before.

    Exit code 0 when nothing differs, 1 when something does, 2 when it could not be told.
    """
    configure_logging("diff", as_json=False, level=30)
    asked = AskedFor(since, until, last, None, pmids, labels, statuses, relations, topics)
    options = Options(taxonomy, against, subscriptions, gold or [], state, file)

    def tell(names: Names, found: Comparison) -> None:
        if json:
            write_document(sys.stdout, names, found)
        else:
            console = Console(width=None if sys.stdout.isatty() else WIDE)
            print_comparison(console, names, found)
        if html is not None:
            write_page(html, names, found)

    raise typer.Exit(code=_guarded(options, asked, tell))


def _guarded(options: Options, asked: AskedFor, tell: Callable[[Names, Comparison], None]) -> int:
    """The exit code. A fault of any kind must not read as "something changed"."""
    try:
        selection = parse_selection(asked, system_clock())
        return CHANGED if asyncio.run(_diff(options, selection, tell)) else 0
    except CarillonError as error:
        sys.stderr.write(f"carillon: {error}\n")
    except Exception:  # noqa: BLE001  a defect of ours: shown whole
        traceback.print_exc()
    return FAULT


async def _diff(
    options: Options, selection: Selection, tell: Callable[[Names, Comparison], None]
) -> bool:
    settings = load(Settings)
    installed = _installed()
    wanted = load_taxonomy(options.taxonomy) if options.taxonomy else installed
    examples = _examples(options.gold, wanted, installed)
    async with AsyncExitStack() as stack:
        old = await stack.enter_async_context(_old(options.against, installed, wanted))
        source = await stack.enter_async_context(
            opened_source(settings, options.state, options.file)
        )
        subscribers = await subscribers_of(
            settings, options.subscriptions, options.state, alone=options.file is not None
        )
        spool = stack.enter_context(open_spool())
        asked = Asked(selection, old, by_rules(wanted), subscribers, examples)
        found = await run(source.read, asked, spool)
        if not (found.tally.compared or found.tally.faults):
            raise ConfigurationError(NOTHING.format(source.name, selection))
        of = f" of {options.taxonomy}" if options.taxonomy else ""
        new = f"taxonomy {wanted.version}{of}, {CLASSIFIER_VERSION}"
        tell(Names(_named(options.against, installed), new, source.name, str(selection)), found)
        return found.tally.changed


def _installed() -> Taxonomy:
    unused = {"database_url": "embedded", "amqp_url": "embedded"}
    return load_taxonomy(load(ClassifierSettings, unused).taxonomy)


def _examples(paths: list[Path], wanted: Taxonomy, installed: Taxonomy) -> tuple[Example, ...]:
    return read_gold(paths, wanted, installed) if paths else ()


def _named(against: str, installed: Taxonomy) -> str:
    if against == "recorded":
        return "what was recorded"
    if against == "installed":
        return f"taxonomy {installed.version}, {CLASSIFIER_VERSION}, as installed"
    return f"the classifier of {against}"


@asynccontextmanager
async def _old(against: str, installed: Taxonomy, wanted: Taxonomy) -> AsyncIterator[Side | None]:
    kind, _, name = against.partition(":")
    if against == "recorded":
        yield None
    elif against == "installed":
        yield by_rules(installed)
    elif kind == "git" and name:
        names = {one.key: one.name for one in (*installed.labels, *wanted.labels)}
        async with by_revision(name, names) as side:
            yield side
    else:
        raise ConfigurationError(
            f"--against: {against!r} is nothing to compare with; "
            "it may be recorded, installed, or git:REV (a commit, branch or tag)"
        )
