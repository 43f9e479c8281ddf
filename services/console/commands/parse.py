"""`carillon parse`."""

import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from services.poller.parse import Deleted, Refused, open_records, read_stream, unpacked
from shared.article import Article
from shared.errors import ConfigurationError

_WIDTH = 60


@dataclass
class _Tally:
    """What a file held."""

    name: str
    records: int = 0
    deleted: int = 0
    refused: list[Refused] = field(default_factory=list)

    def line(self) -> str:
        return (
            f"{self.name}: {self.records} records, {len(self.refused)} refused, "
            f"{self.deleted} deleted"
        )


def parse(
    files: Annotated[
        list[str], typer.Argument(help="Files of PubMed XML, plain or gzip; - is stdin.")
    ],
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="A record a line, with all that was understood.")
    ] = False,
) -> None:
    """Print what the parser understands of PubMed XML, and what it refuses and why.

    Exit code 1 when anything was refused.
    """
    tallies = [_parse(name, jsonl=jsonl) for name in files]
    for tally in tallies:
        sys.stderr.write(f"{tally.line()}\n")
        for refused in tally.refused:
            which = f"PMID {refused.pmid}" if refused.pmid else "no PMID"
            sys.stderr.write(f"  refused: {which}: {refused.reason}\n")
    if any(tally.refused for tally in tallies):
        raise typer.Exit(1)


def _parse(name: str, *, jsonl: bool) -> _Tally:
    tally = _Tally(name)
    for result in _results(name):
        if isinstance(result, Refused):
            tally.refused.append(result)
        elif isinstance(result, Deleted):
            tally.deleted += len(result.pmids)
            sys.stdout.write(_deleted(result, jsonl=jsonl))
        else:
            tally.records += 1
            sys.stdout.write(_record(result, jsonl=jsonl))
    return tally


def _results(name: str) -> Iterator[Article | Refused | Deleted]:
    with _source(name) as source:
        yield from read_stream(source)


def _source(name: str) -> AbstractContextManager[BinaryIO]:
    if name == "-":
        return nullcontext(unpacked(sys.stdin.buffer))
    try:
        return open_records(Path(name))
    except OSError as error:
        raise ConfigurationError(f"{name}: {error.strerror}; give PubMed XML, or -") from error


def _deleted(deleted: Deleted, *, jsonl: bool) -> str:
    if jsonl:
        return json.dumps({"deleted": list(deleted.pmids)}) + "\n"
    return "".join(f"{pmid:>9}  deleted\n" for pmid in deleted.pmids)


def _record(article: Article, *, jsonl: bool) -> str:
    if jsonl:
        return article.model_dump_json(exclude_defaults=True) + "\n"
    title = article.title or article.vernacular_title or "(no title)"
    short = title if len(title) <= _WIDTH else f"{title[: _WIDTH - 1]}…"
    year = str(article.published.year or "")
    return f"{article.pmid:>9}  {year:4}  {article.status.value:12}  {short}\n"
