"""What the stores of poller and classifier, and the bus's file, tell of one article: SQL only."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier import tables as classifier
from services.console import bus
from services.console.trace.facts import (
    Held,
    Labelled,
    NotUnderstood,
    Queued,
    Receipt,
    Rehearsed,
    Unpublished,
)
from services.poller import tables as poller
from shared.database import transaction
from shared.events import Reason, Undecodable, decode

CHUNK = 200
"""Rows, with their bodies, in memory at once."""


async def held(engine: AsyncEngine, pmid: int) -> list[Held]:
    """The poller's rows of the article, one for each topic."""
    names = ("topic", "revision", "status", "backfill", "discovered_at", "announced_at",
             "reread_at", "poll_id")  # fmt: skip
    table = poller.articles
    async with transaction(engine) as connection:
        rows = await connection.execute(
            sa.select(table.c.reasons, *(table.c[name] for name in names))
            .where(table.c.pmid == pmid)
            .order_by(table.c.topic)
        )
        return [
            Held(
                **{name: getattr(row, name) for name in names},
                reasons=tuple(Reason.model_validate(one) for one in row.reasons),
            )
            for row in rows
        ]


async def not_understood(engine: AsyncEngine, pmid: int) -> tuple[list[NotUnderstood], int]:
    """Records of the article that could not be read; and how many that do not say of which."""
    table = poller.parked_records
    async with transaction(engine) as connection:
        rows = await connection.execute(
            sa.select(table.c.topic, table.c.reason, table.c.parked_at, table.c.tried_at)
            .where(table.c.pmid == pmid)
            .order_by(table.c.parked_at)
        )
        found = [NotUnderstood(*row) for row in rows]
        nameless = await connection.scalar(
            sa.select(sa.func.count()).select_from(table).where(table.c.pmid.is_(None))
        )
    return found, int(nameless or 0)


async def labelled(engine: AsyncEngine, pmid: int) -> list[Labelled]:
    """The classifier's rows of the article, one for each topic."""
    names = tuple(Labelled.__dataclass_fields__)
    table = classifier.classifications
    async with transaction(engine) as connection:
        rows = await connection.execute(
            sa.select(*(table.c[name] for name in names))
            .where(table.c.pmid == pmid)
            .order_by(table.c.topic)
        )
        return [Labelled(*row) for row in rows]


async def unpublished(
    engine: AsyncEngine, outbox: sa.Table, service: str, pmid: int
) -> list[Unpublished]:
    """Events about the article that wait in an outbox; some rows in memory at a time."""
    found: list[Unpublished] = []
    last = 0
    async with transaction(engine) as connection:
        while True:
            step = sa.select(outbox).where(outbox.c.seq > last).order_by(outbox.c.seq).limit(CHUNK)
            rows = (await connection.execute(step)).all()
            found += [
                Unpublished(
                    service, row.event_id, row.type, row.created_at, row.attempts, row.last_error
                )
                for row in rows
                if _is_about(bytes(row.body), pmid)
            ]
            if not rows:
                return found
            last = rows[-1].seq


def _is_about(body: bytes, pmid: int) -> bool:
    if str(pmid).encode() not in body:
        return False
    try:
        data: object = decode(body).data
    except Undecodable:
        return True  # it names the number: better one line too much
    article = getattr(data, "article", None)
    told = (*getattr(data, "pmids", ()), *getattr(data, "notices", ()))
    return pmid in told or (article is not None and article.pmid == pmid)


async def receipts(
    engine: AsyncEngine, inbox: sa.Table, event_ids: Collection[str]
) -> list[Receipt]:
    """Which handlers have had these events; rows are forgotten after some months."""
    wanted, found = sorted(event_ids), list[Receipt]()
    async with transaction(engine) as connection:
        for start in range(0, len(wanted), CHUNK):
            some = inbox.c.event_id.in_(wanted[start : start + CHUNK])
            rows = await connection.execute(
                sa.select(inbox.c.event_id, inbox.c.handler, inbox.c.received_at).where(some)
            )
            found += [Receipt(*row) for row in rows]
    return found


async def rehearsed(
    engine: AsyncEngine, outcomes: sa.Table, service: str, event_ids: Collection[str]
) -> list[Rehearsed]:
    """What became of these events in replays, at one service."""
    wanted, found = sorted(event_ids), list[Rehearsed]()
    names = ("replay_id", "event_id", "handler", "outcome", "at")
    async with transaction(engine) as connection:
        for start in range(0, len(wanted), CHUNK):
            some = outcomes.c.event_id.in_(wanted[start : start + CHUNK])
            columns = sa.select(*(outcomes.c[name] for name in names))
            rows = await connection.execute(columns.where(some).order_by(outcomes.c.at))
            found += [Rehearsed(service, *row) for row in rows]
    return found


async def queued(engine: AsyncEngine, event_ids: Collection[str]) -> list[Queued]:
    """Messages of the embedded mode with these events that wait, for the first or another try."""
    wanted, found = sorted(event_ids), list[Queued]()
    columns = (bus.queue.c.consumer, bus.archive.c.event_id, bus.queue.c.attempt,
               bus.queue.c.due_at, bus.queue.c.first_failed_at, bus.queue.c.last_error)  # fmt: skip
    async with transaction(engine) as connection:
        for start in range(0, len(wanted), CHUNK):
            some = bus.archive.c.event_id.in_(wanted[start : start + CHUNK])
            rows = await connection.execute(
                sa.select(*columns)
                .join(bus.archive, bus.archive.c.seq == bus.queue.c.archived)
                .where(some)
                .order_by(bus.queue.c.seq)
            )
            found += [Queued(*row) for row in rows]
    return found
