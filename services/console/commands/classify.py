"""`carillon classify`."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.markup import escape

from services.classifier.classify import classify as label
from services.classifier.taxonomy import load_taxonomy
from services.console.commands.embedded import State
from services.console.embedded import Embedded, opened, read_embedded
from services.poller import tables
from services.poller.eutils import make_eutils
from services.poller.parse import parse_records
from shared.article import AbstractSection, Article
from shared.database import transaction
from shared.errors import ConfigurationError
from shared.events import Classification, Evidence
from shared.logs import configure_logging


def classify(
    source: Annotated[
        str, typer.Argument(help="A PMID, a file (PubMed XML, or text: title, then abstract), or -")
    ],
    explain: Annotated[
        bool, typer.Option("--explain", help="Show the sentence that carries each label.")
    ] = False,
    state: State = None,
) -> None:
    """Label articles, and show why."""
    configure_logging("carillon", as_json=False, level=40)
    embedded = read_embedded(state)
    taxonomy = load_taxonomy(embedded.classifier.taxonomy)
    console = Console(highlight=False)
    for article in _articles(source, embedded):
        _print(console, article, label(article, taxonomy), explain=explain)


def _articles(source: str, embedded: Embedded) -> tuple[Article, ...]:
    if source.isdecimal():
        return (asyncio.run(_by_pmid(int(source), embedded)),)
    return read_articles(_bytes(source), source)


def _bytes(source: str) -> bytes:
    if source == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{source}: {error.strerror}; give a PMID, a file or -") from error


def read_articles(content: bytes, name: str) -> tuple[Article, ...]:
    """Articles from PubMed XML, or one from plain text (first line the title).

    Raises:
        ConfigurationError: nothing in it can be read as an article.
    """
    if content.lstrip().startswith(b"<"):
        parsed = parse_records(content)
        if not parsed.articles:
            reasons = "; ".join(refused.reason for refused in parsed.refused) or "no record in it"
            raise ConfigurationError(f"{name}: not PubMed XML that can be read: {reasons}")
        return parsed.articles
    title, _, abstract = content.decode("utf-8", errors="replace").strip().partition("\n")
    if not title:
        raise ConfigurationError(f"{name}: empty; give a title, and an abstract below it")
    sections = (AbstractSection(text=abstract.strip()),) if abstract.strip() else ()
    return (Article(pmid=0, title=title, abstract=sections),)


async def _by_pmid(pmid: int, embedded: Embedded) -> Article:
    """From the store, else from PubMed."""
    async with opened(embedded) as line, transaction(line.stores.poller) as connection:
        found = await connection.scalar(
            sa.select(tables.articles.c.article).where(tables.articles.c.pmid == pmid).limit(1)
        )
    if found is not None:
        return Article.model_validate(found)
    parsed = parse_records(await make_eutils(embedded.poller.access()).fetch([pmid]))
    if not parsed.articles:
        raise ConfigurationError(f"PubMed has no article with PMID {pmid}")
    return parsed.articles[0]


def _print(console: Console, article: Article, result: Classification, *, explain: bool) -> None:
    console.print(f"[bold]{escape(article.title)}[/bold]" + _pmid(article))
    for one in result.labels:
        console.print(f"  {one.facet:<10} {one.id:<24} {one.confidence:.2f}  {escape(one.name)}")
        if explain:
            for evidence in one.evidence:
                console.print(f"      {_marked(evidence)}  [dim]{escape(evidence.rule)}[/dim]")
    versions = f"{result.classifier_version}, taxonomy {result.taxonomy_version}"
    console.print(f"  [dim]{escape(versions)}[/dim]")


def _pmid(article: Article) -> str:
    return f"  PMID {article.pmid}" if article.pmid else ""


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
