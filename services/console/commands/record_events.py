"""`carillon record`: a stretch of the archive as a file, for tests and for another Carillon."""

import asyncio
import sys
from typing import BinaryIO

import typer

from services.console.archive.lines import Writer
from services.console.archive.recorded import Read
from services.console.archive.scrub import Unscrubbable, scrubbed
from services.console.archive.source import opened_source
from services.console.commands.filters import (
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
from services.console.replay.selection import Asked, Selection, parse_selection, select
from services.console.settings import Settings
from shared.clock import system_clock
from shared.errors import ConfigurationError
from shared.logs import configure_logging
from shared.settings import load

SHOWN = 10


def record(
    state: State = None,
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
) -> None:
    """Write recorded events to standard output, an event a line: carillon record > events.jsonl.

    Addresses and keys are taken out. An entry that is no event that is known is left out and
    named, and the exit code is then 1.
    """
    configure_logging("record", as_json=False, level=30)
    asked = Asked(since, until, last, types, pmids, labels, statuses, relations, topics, replay_id)
    selection = parse_selection(asked, system_clock())
    if sys.stdout.isatty():
        raise ConfigurationError("record writes a file: carillon record > events.jsonl")
    if asyncio.run(_record(load(Settings), state, selection)):
        raise typer.Exit(code=1)


async def _record(settings: Settings, state: State, selection: Selection) -> int:
    async with opened_source(settings, state) as source:
        return await write(source.read, selection, sys.stdout.buffer)


async def write(read: Read, selection: Selection, out: BinaryIO) -> int:
    """Write what is selected as a file; how many entries were left out.

    Raises what reading raises: the file then has no last line, and is seen to be cut off.
    """
    writer, left_out = Writer(str(selection)), 0
    out.write(writer.header())
    async for entry in select(read, selection):
        try:
            out.write(writer.line(entry, scrubbed(entry)))
        except Unscrubbable as fault:
            left_out += 1
            _tell(left_out, f"entry {entry.position} ({entry.event_id or 'no id'}): {fault}")
    out.write(writer.trailer(left_out))
    out.flush()
    if left_out:
        typer.echo(f"left out, as what is in them is not known: {left_out}", err=True)
    return left_out


def _tell(number: int, line: str) -> None:
    if number <= SHOWN:
        typer.echo(line, err=True)
