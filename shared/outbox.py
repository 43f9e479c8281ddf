"""The outbox: events are written with the facts they tell of, and published afterwards.

A row lives until its publish is confirmed. A crash between confirm and delete publishes it again
with the same id, and the consumers' inboxes see that it is the same.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.database import UtcDateTime, insert, transaction
from shared.events import CloudEvent
from shared.under_replay import UnderReplay
from shared.written import remember

log = structlog.get_logger(__name__)

UNDER_REPLAY = UnderReplay.AS_TOLD
"""The relay: marks are in the body that it carries."""

_ADDED = "outbox_added"
"""What a database connection remembers between `add_all` and its return to the pool."""


@dataclass(frozen=True)
class Outgoing:
    """An event on its way: what a carrier needs, without reading the body."""

    event_id: str
    type: str
    routing_key: str
    body: bytes


Publish = Callable[[Sequence[Outgoing]], Awaitable[list[Exception | None]]]
"""Publishes a batch in order; for each event `None` once it is safe, or what went wrong."""


def outbox_table(metadata: sa.MetaData) -> sa.Table:
    """The outbox of one service."""
    return sa.Table(
        "outbox",
        metadata,
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("event_id", sa.String(36), nullable=False, unique=True),
        sa.Column("type", sa.String(80), nullable=False),
        sa.Column("routing_key", sa.String(80), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_error", sa.Text),
    )


async def add(
    connection: AsyncConnection, table: sa.Table, event: CloudEvent, now: datetime
) -> None:
    """Put an event into the outbox, in the caller's transaction."""
    await add_all(connection, table, [event], now)


async def add_all(
    connection: AsyncConnection,
    table: sa.Table,
    events: Sequence[CloudEvent],
    now: datetime,
    under: Mapping[str, str | None] | None = None,
) -> None:
    """Put events into the outbox, in their order, in the caller's transaction.

    One that is still there, with the same id, is not put there again: a handler in a new version
    that has an event before the answer of the old one is published says the same.
    `under` is for traces (`written.remember`).
    """
    rows = [
        {
            "event_id": event.id,
            "type": getattr(event, "type"),  # noqa: B009  every subclass declares its literal type
            "routing_key": event.ROUTING_KEY,
            "body": event.encode(),
            "created_at": now,
        }
        for event in events
    ]
    if rows:
        connection.info[_ADDED] = True
        remember(connection, events, under or {})
        once = insert(connection, table).on_conflict_do_nothing(index_elements=["event_id"])
        await connection.execute(once, rows)


@contextmanager
def added(engine: AsyncEngine) -> Iterator[asyncio.Event]:
    """What is set when a transaction of this engine that put events into its outbox has ended.

    The pool tells it, when the connection comes back: after the commit, so that who looks then
    sees the events, and whoever added them. After a rollback it is set for nothing. Of other
    processes it knows nothing: look now and then as well.
    """
    bell = asyncio.Event()

    def returned(_connection: object, record: sa.pool.ConnectionPoolEntry) -> None:
        if record.info.pop(_ADDED, False):
            bell.set()

    sa.event.listen(engine.sync_engine, "checkin", returned)
    try:
        yield bell
    finally:
        sa.event.remove(engine.sync_engine, "checkin", returned)


async def relay(
    engine: AsyncEngine,
    table: sa.Table,
    publish: Publish,
    limit: int = 200,
    *,
    fresh: bool = False,
) -> int:
    """Publish the oldest events and forget those that are safe; the number of these.

    Rows are locked meanwhile, so that several relays share the work (SKIP LOCKED). An event
    that cannot be published keeps its row, with the reason, and does not hold up the others.
    With `fresh` those that have failed before are left for another time.

    Raises:
        Retryable: the database is away.
    """
    oldest = sa.select(table).order_by(table.c.attempts, table.c.seq).limit(limit)
    if fresh:
        oldest = oldest.where(table.c.attempts == 0)
    async with transaction(engine) as connection:
        rows = (await connection.execute(oldest.with_for_update(skip_locked=True))).all()
        if not rows:
            return 0
        batch = [Outgoing(r.event_id, r.type, r.routing_key, bytes(r.body)) for r in rows]
        faults = await publish(batch)
        failed = [(row, fault) for row, fault in zip(rows, faults, strict=True) if fault]
        await _forget(connection, table, rows, failed)
    if failed:
        log.warning("outbox_publish_failed", events=len(failed), error=str(failed[0][1]))
    return len(rows) - len(failed)


async def _forget(
    connection: AsyncConnection,
    table: sa.Table,
    rows: Sequence[sa.Row[tuple[object, ...]]],
    failed: Sequence[tuple[sa.Row[tuple[object, ...]], Exception]],
) -> None:
    kept = {row.seq for row, _ in failed}
    done = [row.seq for row in rows if row.seq not in kept]
    if done:
        await connection.execute(table.delete().where(table.c.seq.in_(done)))
    if failed:
        await connection.execute(
            table.update()
            .where(table.c.seq == sa.bindparam("failed"))
            .values(attempts=table.c.attempts + 1, last_error=sa.bindparam("fault")),
            [{"failed": row.seq, "fault": f"{type(f).__name__}: {f}"} for row, f in failed],
        )


async def pending(connection: AsyncConnection, table: sa.Table) -> int:
    """How many events wait to be published."""
    return (await connection.scalar(sa.select(sa.func.count()).select_from(table))) or 0


async def waiting_since(
    connection: AsyncConnection, table: sa.Table
) -> tuple[int, datetime | None]:
    """How many events wait to be published, and since when the oldest does; None where none."""
    counted = sa.select(sa.func.count(), sa.func.min(table.c.created_at))
    row = (await connection.execute(counted.select_from(table))).one()
    return int(row[0]), row[1]


async def overdue(
    connection: AsyncConnection, table: sa.Table, before: datetime
) -> tuple[int, str | None]:
    """How many events wait since before that instant, and what the carrier said of one of them."""
    counted = sa.select(sa.func.count(), sa.func.max(table.c.last_error))
    row = (await connection.execute(counted.where(table.c.created_at < before))).one()
    return int(row[0]), row[1]
