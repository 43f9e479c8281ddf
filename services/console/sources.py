"""Articles that a person names to a command: by PMID, as a file, or on standard input."""

import asyncio
import sys
from pathlib import Path

import sqlalchemy as sa

from services.console.embedded import Embedded, opened
from services.poller import tables
from services.poller.eutils import make_eutils
from services.poller.parse import parse_records
from shared.article import AbstractSection, Article
from shared.database import transaction
from shared.errors import ConfigurationError


def articles_from(source: str, embedded: Embedded) -> tuple[Article, ...]:
    """The article with a PMID, those of a file, or those of standard input (`-`).

    Raises:
        ConfigurationError: there is no such article or file, or nothing in it can be read.
    """
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
