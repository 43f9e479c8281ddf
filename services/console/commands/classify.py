"""`carillon classify`.

What a PMID needs (stores, PubMed, its parser) is imported only where one is given: `--jsonl` is for
pipes, and begins at once.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from services.classifier.classify import classify as label
from services.classifier.explain import Explanation, Objection
from services.classifier.explain import explain as why
from services.classifier.settings import Settings
from services.classifier.taxonomy import Taxonomy, load_taxonomy
from services.console.line_answers import answer_lines
from shared.article import Article
from shared.errors import ConfigurationError
from shared.events import Classification, Evidence, Label
from shared.logs import configure_logging
from shared.settings import load


def classify(
    source: Annotated[
        str | None,
        typer.Argument(help="A PMID, a file (PubMed XML, or text: title, then abstract), or -"),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Show the sentences for each label, and those against it."),
    ] = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Answer article lines (JSON) of a file or of stdin.")
    ] = False,
    state: Annotated[
        Path | None, typer.Option(help="Folder of the stores; CARILLON_STATE, else ./state.")
    ] = None,
) -> None:
    """Label articles, and show why."""
    configure_logging("carillon", as_json=False, level=40)
    taxonomy = _taxonomy()
    if jsonl:
        raise typer.Exit(code=_answer(source or "-", taxonomy))
    if source is None:
        raise ConfigurationError("nothing to classify: give a PMID, a file or -, or --jsonl")
    console = Console(highlight=False)
    for article in _articles(source, state):
        _print_article(console, article, taxonomy, explained=explain)


def _taxonomy() -> Taxonomy:
    unused = {"database_url": "embedded", "amqp_url": "embedded"}
    return load_taxonomy(load(Settings, unused).taxonomy)


def _answer(source: str, taxonomy: Taxonomy) -> int:
    try:
        if source == "-":
            return _exit_code(sys.stdin.buffer, taxonomy)
        with Path(source).open("rb") as lines:
            return _exit_code(lines, taxonomy)
    except BrokenPipeError:
        # The reader has what it wanted; Python's own flush at exit must not fail over it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        raise ConfigurationError(f"{source}: {error.strerror}; give a file or -") from error


def _exit_code(lines: Iterable[bytes], taxonomy: Taxonomy) -> int:
    return 1 if answer_lines(lines, sys.stdout.buffer, taxonomy) else 0


def _articles(source: str, state: Path | None) -> tuple[Article, ...]:
    from services.console.embedded import read_embedded  # noqa: PLC0415 (a second of imports)
    from services.console.sources import articles_from  # noqa: PLC0415

    return articles_from(source, read_embedded(state))


def _print_article(
    console: Console, article: Article, taxonomy: Taxonomy, *, explained: bool
) -> None:
    pmid = f"  PMID {article.pmid}" if article.pmid else ""
    console.print(f"[bold]{escape(article.title)}[/bold]{pmid}")
    if explained:
        result = _print_explained(console, why(article, taxonomy))
    else:
        result = label(article, taxonomy)
        for one in result.labels:
            _print_label(console, one)
    if result.trials:
        console.print(f"  trials     {escape(', '.join(result.trials))}")
    versions = f"{result.classifier_version}, taxonomy {result.taxonomy_version}"
    console.print(f"  [dim]{escape(versions)}[/dim]")


def _print_label(console: Console, one: Label) -> None:
    console.print(f"  {one.facet:<10} {one.id:<24} {one.confidence:.2f}  {escape(one.name)}")


def _print_explained(console: Console, explanation: Explanation) -> Classification:
    for one in explanation.labels:
        _print_label(console, one.label)
        for evidence in one.label.evidence:
            console.print(f"      {_marked(evidence)}  [dim]{escape(evidence.rule)}[/dim]")
        _print_against(console, one.against)
    for refused in explanation.refused:
        console.print(f"  {refused.facet:<10} {refused.id:<24} [yellow]not given[/yellow]")
        _print_against(console, refused.against)
    return explanation.classification


def _print_against(console: Console, against: Iterable[Objection]) -> None:
    for one in against:
        console.print(f"      [yellow]against, {one.why}:[/yellow] {_marked(one.evidence)}")


def _marked(evidence: Evidence) -> str:
    """The sentence with its words marked, and where it stands."""
    sentence = evidence.sentence
    before, words, after = (
        sentence[: evidence.start],
        sentence[evidence.start : evidence.end],
        sentence[evidence.end :],
    )
    text = f"{escape(before)}[reverse]{escape(words)}[/reverse]{escape(after)}"
    return f"{evidence.place}: {text}"
