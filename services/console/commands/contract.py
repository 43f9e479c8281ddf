"""`carillon asyncapi`."""

import json

import typer

from services.console.asyncapi import document


def asyncapi() -> None:
    """Print the AsyncAPI document of the events (kept in docs/asyncapi.json)."""
    typer.echo(json.dumps(document(), indent=2, ensure_ascii=False))
