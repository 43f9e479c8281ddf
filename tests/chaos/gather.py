"""Reads what a run has left: the three stores, the archive, the queues."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import aio_pika
import sqlalchemy as sa
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from services.classifier import tables as classifier
from services.notifier import tables as notifier
from services.poller import tables as poller
from shared import topology
from shared.database import make_engine, transaction
from shared.events import (
    ArticleClassified,
    ArticleDiscovered,
    ArticleRevised,
    ParkedResolved,
    PollCompleted,
    ReplayFinished,
    Undecodable,
    decode,
)
from tests.chaos.evidence import Announced, Cut, Kept, Key, Labelled, Parked, Projected, Row

SILENCE = 5.0
"""Seconds without a message after which a stream or queue is at its end."""


@dataclass(frozen=True)
class Stores:
    """What the three databases hold."""

    kept: Mapping[Key, Kept]
    polls: frozenset[str]
    unread: Sequence[str]
    labelled: Mapping[Key, Labelled]
    projected: Mapping[Key, Projected]
    known_polls: frozenset[str]
    cuts: Mapping[str, Cut]
    ledger: Sequence[Row]
    outboxes: Mapping[str, int]


async def stores(database_url: str) -> Stores:
    """Read the three stores."""
    engine = make_engine(database_url)

    async def rows(query: sa.Select[Any]) -> Sequence[Any]:
        async with transaction(engine) as connection:
            found: Sequence[Any] = (await connection.execute(query)).all()
        return found

    async def column(one: sa.Column[Any]) -> frozenset[str]:
        return frozenset(row[0] for row in await rows(sa.select(one)))

    try:
        return Stores(
            kept={Key(r.topic, r.pmid): _kept(r) for r in await rows(sa.select(poller.articles))},
            polls=await column(poller.polls.c.poll_id),
            unread=sorted(await column(poller.parked_records.c.reason)),
            labelled=await _labelled(rows),
            projected=await _projected(rows),
            known_polls=await column(notifier.polls.c.poll_id),
            cuts=await _cuts(rows),
            ledger=[_row(r) for r in await rows(sa.select(notifier.ledger))],
            outboxes={
                name: len(await rows(sa.select(tables.outbox.c.seq)))
                for name, tables in _SERVICES.items()
            },
        )
    finally:
        await engine.dispose()


_SERVICES: Mapping[str, Any] = {"poller": poller, "classifier": classifier, "notifier": notifier}


def _kept(row: Any) -> Kept:
    return Kept(
        revision=row.revision,
        status=row.status,
        title=row.article["title"],
        is_background=row.backfill,
        relations=frozenset(reason["relation"] for reason in row.reasons),
        is_indexed=bool(row.article.get("mesh")),
    )


async def _labelled(rows: Any) -> dict[Key, Labelled]:
    found = {}
    for row in await rows(sa.select(classifier.classifications)):
        labels: dict[str, set[str]] = defaultdict(set)
        for label in row.classification["labels"]:
            labels[label["facet"]].add(label["id"])
        frozen = {facet: frozenset(ids) for facet, ids in labels.items()}
        found[Key(row.topic, row.pmid)] = Labelled(row.revision, row.scope, frozen)
    return found


async def _projected(rows: Any) -> dict[Key, Projected]:
    columns = (notifier.articles.c[name] for name in ("topic", "pmid", "revision", "status"))
    return {
        Key(row.topic, row.pmid): Projected(row.revision, row.status)
        for row in await rows(sa.select(*columns))
    }


async def _cuts(rows: Any) -> dict[str, Cut]:
    table = notifier.digests.c
    columns = (table.id, table.subscription_id, table.state, table.attempts, table.maybe_sent)
    return {
        row.id: Cut(row.subscription_id, row.state, row.attempts, row.maybe_sent)
        for row in await rows(sa.select(*columns))
    }


def _row(row: Any) -> Row:
    return Row(row.subscription_id, row.pmid, row.kind, row.digest_id, row.delivered_at is not None)


async def archive(amqp_url: str) -> list[Announced]:
    """Every event of the archive, from the first one on; what is no event is passed over."""
    read: list[bytes] = []

    async def keep(message: AbstractIncomingMessage) -> None:
        read.append(message.body)
        await message.ack()

    connection = await aio_pika.connect(amqp_url, timeout=10)
    async with connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=500)
        queue = await channel.get_queue(topology.ARCHIVE)
        await queue.consume(keep, arguments={"x-stream-offset": "first"})
        before = -1
        while before < len(read):
            before = len(read)
            await asyncio.sleep(SILENCE)
    return [event for body in read if (event := _announced(body))]


def _announced(body: bytes) -> Announced | None:
    try:
        event = decode(body)
    except Undecodable:  # such as was planted
        return None
    if isinstance(event, ParkedResolved | ReplayFinished):  # an operator's doing, and no paper's
        return None
    base = Announced(event.id, event.ROUTING_KEY, event.subject, event.data.topic)
    if isinstance(event, ArticleDiscovered | ArticleRevised | ArticleClassified):
        return replace(
            base,
            status=event.data.article.status.value,
            revision=event.data.revision,
            poll=event.data.poll_id,
            cause=event.causationid,
        )
    if isinstance(event, PollCompleted):
        return replace(base, poll=event.data.poll_id, started=event.data.started_at)
    return replace(base, pmids=event.data.pmids, notices=event.data.notices)


async def parked(amqp_url: str) -> list[Parked]:
    """Every parked message; they stay where they are."""
    connection = await aio_pika.connect(amqp_url, timeout=10)
    async with connection:
        channel = await connection.channel()
        return [one for queue in topology.CONSUMERS for one in await _parked(channel, queue.parked)]


async def _parked(channel: AbstractChannel, name: str) -> list[Parked]:
    queue = await channel.get_queue(name)
    found: list[Parked] = []
    while message := await queue.get(no_ack=False, fail=False):
        found.append(Parked(name, message.message_id or "", dict(message.headers)))
    return found  # none is acknowledged: all go back when the channel closes
