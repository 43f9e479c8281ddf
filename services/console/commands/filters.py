"""The options that select recorded events, the same for every command that reads an archive."""

from pathlib import Path
from typing import Annotated

import typer

State = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the embedded stores; else the deployment's stream, if one is set."
    ),
]
File = Annotated[Path | None, typer.Option("--file", help="Read a file of `carillon record`.")]
Since = Annotated[
    str | None, typer.Option(help="First instant: 90d, 12h, 2026-09-07 or 2026-09-07T05:00Z.")
]
Until = Annotated[str | None, typer.Option(help="First instant after, written as --since.")]
Last = Annotated[int | None, typer.Option(help="Of what the others leave, the last N.")]
Types = Annotated[
    list[str] | None,
    typer.Option("--type", help="Such as article.classified; by commas for several."),
]
Pmids = Annotated[
    list[str] | None, typer.Option("--pmid", help="Articles, and digests that named them.")
]
Labels = Annotated[list[str] | None, typer.Option("--label", help="A label of article.classified.")]
Statuses = Annotated[
    list[str] | None, typer.Option("--status", help="Of the article: retracted, ...")
]
Relations = Annotated[list[str] | None, typer.Option("--relation", help="To the seed: query, ...")]
Topics = Annotated[list[str] | None, typer.Option("--topic", help="Ids of topics.")]
ReplayId = Annotated[
    str | None, typer.Option("--replay", help="What this replay made; else no replay's events.")
]
