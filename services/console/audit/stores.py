"""What the three stores tell an audit: SQL only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.classifier import tables as classifier
from services.console import bus
from services.console.audit.facts import Found, Key, Told
from services.notifier import tables as notifier
from services.notifier.history import ARTICLE
from services.poller import tables as poller
from shared.database import transaction
from shared.events import (
    ArticleClassified,
    ArticleDiscovered,
    ArticleRevised,
    CloudEvent,
    DigestDelivered,
    Undecodable,
    decode,
)

ABOUT_ONE = ArticleDiscovered | ArticleRevised | ArticleClassified

_ROWS = 5_000
"""Rows that come from the database at once."""


@dataclass(frozen=True)
class OfPoller:
    """Its articles, and those in its outbox."""

    found: dict[Key, Found]
    unpublished: set[Key]


@dataclass(frozen=True)
class OfClassifier:
    """The revisions that it has labelled, and the articles in its outbox."""

    labelled: dict[Key, int]
    unpublished: set[Key]


@dataclass(frozen=True)
class OfNotifier:
    """The revisions that it has, and who was told what; see `facts.Facts`."""

    arrived: dict[Key, int]
    ledger: dict[Told, str]
    accepted: dict[str, datetime]
    people: dict[str, str]
    digests: set[str]


async def of_poller(engine: AsyncEngine) -> OfPoller:
    """Raises `Retryable`: the database is away."""
    table = poller.articles
    columns = (table.c.topic, table.c.pmid, table.c.revision, table.c.announced_at)
    async with transaction(engine) as connection:
        found = {
            (row.topic, row.pmid): Found(row.revision, row.announced_at)
            for row in await _all(connection, sa.select(*columns))
        }
        waiting = await _events(connection, poller.outbox)
    return OfPoller(found, {key_of(one) for one in waiting if isinstance(one, ABOUT_ONE)})


async def of_classifier(engine: AsyncEngine) -> OfClassifier:
    """Raises `Retryable`: the database is away."""
    async with transaction(engine) as connection:
        labelled = await _revisions(connection, classifier.classifications)
        waiting = await _events(connection, classifier.outbox)
    return OfClassifier(labelled, {key_of(one) for one in waiting if isinstance(one, ABOUT_ONE)})


async def of_notifier(engine: AsyncEngine) -> OfNotifier:
    """Raises `Retryable`: the database is away."""
    ledger, digests, readers = notifier.ledger, notifier.digests, notifier.subscriptions
    columns = sa.select(ledger.c.subscription_id, ledger.c.pmid, ledger.c.digest_id)
    sent = sa.select(digests.c.id, digests.c.sent_at).where(digests.c.state == "sent")
    async with transaction(engine) as connection:
        arrived = await _revisions(connection, notifier.articles)
        told = await _all(connection, columns.where(ledger.c.kind == ARTICLE))
        accepted = await _all(connection, sent)
        people = await _all(connection, sa.select(readers.c.id, readers.c.recipient))
        waiting = await _events(connection, notifier.outbox)
    return OfNotifier(
        arrived,
        {(row.subscription_id, row.pmid): row.digest_id for row in told},
        {row.id: row.sent_at for row in accepted},
        {row.id: row.recipient for row in people},
        {one.data.digest_id for one in waiting if isinstance(one, DigestDelivered)},
    )


async def queued(engine: AsyncEngine) -> dict[str, int]:
    """How many messages wait at each consumer of the embedded mode.

    Raises:
        Retryable: the file is locked for too long.
    """
    counted = sa.select(bus.queue.c.consumer, sa.func.count()).group_by(bus.queue.c.consumer)
    async with transaction(engine) as connection:
        return {str(name): int(count) for name, count in await connection.execute(counted)}


def key_of(event: ABOUT_ONE) -> Key:
    """Which article an event is about."""
    return event.data.topic, event.data.article.pmid


async def _revisions(connection: AsyncConnection, table: sa.Table) -> dict[Key, int]:
    columns = (table.c.topic, table.c.pmid, table.c.revision)
    rows = await _all(connection, sa.select(*columns))
    return {(row.topic, row.pmid): row.revision for row in rows}


async def _all(connection: AsyncConnection, query: sa.Select[Any]) -> list[sa.Row[Any]]:
    """All rows; some thousand come at once, so that the driver holds no second copy of them."""
    stream = await connection.stream(query.execution_options(yield_per=_ROWS))
    return [row async for row in stream]


async def _events(connection: AsyncConnection, outbox: sa.Table) -> list[CloudEvent]:
    found = []
    for row in await _all(connection, sa.select(outbox.c.body)):
        try:
            found.append(decode(bytes(row.body)))
        except Undecodable:
            continue
    return [one for one in found if isinstance(one, CloudEvent)]
