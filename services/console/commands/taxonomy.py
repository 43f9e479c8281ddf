"""`carillon taxonomy`: for the curator of a taxonomy file."""

import tomllib
from pathlib import Path
from typing import Annotated

import typer

from services.classifier.curate import Finding, findings, moved
from services.classifier.lines_of import label_lines
from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import Taxonomy, load_taxonomy
from services.console.demo_articles import demo_articles

cli = typer.Typer(help="Work on a taxonomy file.", no_args_is_help=True)


@cli.callback()
def taxonomy() -> None:
    """Work on a taxonomy file."""


@cli.command("check")
def check(
    file: Annotated[
        Path, typer.Argument(help="A taxonomy file; without one, the one that is built in.")
    ] = TAXONOMY,
) -> None:
    """Validate a taxonomy, run its examples, and show what it changes for the demo's articles."""
    read = load_taxonomy(file)
    found = findings(read)
    lines = label_lines_of(file)
    typer.echo(_head(file, read))
    for one in found:
        typer.echo(_told(file, lines, one))
    if not _built_in(file):
        _show_changes(read)
    faults = sum(one.fault for one in found)
    typer.echo(f"{faults} to correct, {len(found) - faults} to look at")
    raise typer.Exit(code=1 if faults else 0)


def label_lines_of(file: Path) -> dict[str, int]:
    """The line of each label's table; the file is known to be readable TOML."""
    text = file.read_text(encoding="utf-8")
    return label_lines(text, tomllib.loads(text))


def _head(file: Path, read: Taxonomy) -> str:
    examples = sum(len(x.examples) + len(x.counter_examples) for x in read.labels)
    return (
        f"{file}: version {read.version}, {len(read.labels)} labels, {len(read.rules)} phrases, "
        f"{examples} examples, {len(read.groups)} groups"
    )


def _told(file: Path, lines: dict[str, int], one: Finding) -> str:
    line = lines.get(one.label)
    place = f"{file}:{line}" if line else str(file)
    return f"{place}: {'fault' if one.fault else 'remark'}: {one.label} {one.text}"


def _built_in(file: Path) -> bool:
    return file.resolve() == TAXONOMY.resolve()


def _show_changes(read: Taxonomy) -> None:
    articles = demo_articles()
    changes = moved(load_taxonomy(TAXONOMY), read, articles)
    typer.echo(f"{len(changes)} of the demo's {len(articles)} articles would be labelled otherwise")
    for change in changes:
        typer.echo(f"  {change}")
