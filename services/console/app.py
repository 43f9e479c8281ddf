"""The `carillon` command: its sub-commands, and one place where a fault becomes a line of text."""

import sys

import typer

from services.console.lazily import lazily
from shared.errors import CarillonError

COMMANDS = {
    "demo": "demo:demo",
    "run": "embedded:run",
    "poll": "embedded:poll",
    "ingest": "ingest:ingest",
    "parse": "parse:parse",
    "record-ncbi": "record:record_ncbi",
    "status": "embedded:status",
    "parked": "parked:cli",
    "subscribe": "subscribe:subscribe",
    "subscribers": "subscribers:cli",
    "suppressions": "suppressions:cli",
    "bounce": "bounce:bounce",
    "classify": "classify:classify",
    "eval": "evaluate:evaluate",
    "train": "train:train",
    "feedback": "feedback:cli",
    "migrate": "deployment:migrate",
    "doctor": "doctor:doctor",
    "asyncapi": "contract:asyncapi",
    "digest": "digest:cli",
    "taxonomy": "taxonomy:cli",
    "scenario": "deployment:scenario",
    "archive": "archive:cli",
    "record": "record_events:record",
    "trace": "trace:trace_",
    "replay": "replay:cli",
    "diff": "diff:diff",
    "backup": "keeping:backup",
    "restore": "keeping:restore",
    "sending": "keeping:sending",
    "audit": "audit:audit",
}
"""Each command's name, with its module in `services.console.commands` and what is called there."""

cli = typer.Typer(
    name="carillon",
    cls=lazily({name: f"services.console.commands.{place}" for name, place in COMMANDS.items()}),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@cli.callback()
def carillon() -> None:
    """Tells people, soon and reliably, what is new in the literature around one review."""


def main() -> None:
    """Run the command. A fault that Carillon knows is one clear line and exit code 1."""
    try:
        cli()
    except CarillonError as error:
        sys.stderr.write(f"carillon: {error}\n")
        raise SystemExit(1) from None
