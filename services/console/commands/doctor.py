"""`carillon doctor`: what is set up wrong, and what mends it."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from services.console.doctor.case import read_case
from services.console.doctor.checks import checks
from services.console.doctor.report import Report, examine
from shared.logs import configure_logging

_COLOURS = {"error": "red", "warning": "yellow"}


def doctor(
    state: Annotated[Path | None, typer.Option(help="Folder of the embedded stores.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs, as one object.")] = False,
) -> None:
    """Find what is set up wrong, and say how to mend it (docs/doctor.md).

    Of the deployment, where a database is named; else of the embedded mode. Nothing is changed,
    and no mail is sent. Ends with 0 if all is well, 1 with findings, and 2 if there are none, but
    something could not be checked.
    """
    configure_logging("doctor", as_json=False, level=50)
    report = asyncio.run(examine(checks(read_case(state))))
    if as_json:
        typer.echo(json.dumps(report.document(), indent=2, ensure_ascii=False))
    else:
        _print(Console(), report)
    raise typer.Exit(code=report.exit_code)


def _print(console: Console, report: Report) -> None:
    for name in report.well:
        console.print(f"[green]ok[/green]    {escape(name)}", highlight=False, soft_wrap=True)
    for lacking in report.unchecked:
        told = f"[yellow]?[/yellow]     {escape(lacking.what)} could not be checked: "
        console.print(told + escape(lacking.why), highlight=False, soft_wrap=True)
    for one in report.findings:
        colour = _COLOURS[one.code.severity]
        told = f"[{colour}]{one.code.severity:<8}{one.code.title}[/{colour}]  "
        console.print(told + escape(f"{one.about}: {one.seen}"), highlight=False, soft_wrap=True)
        console.print(f"        {escape(one.remedy)}", highlight=False, soft_wrap=True)
        console.print(f"        {one.code.link}", highlight=False, soft_wrap=True)
