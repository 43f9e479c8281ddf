"""The embedded bus: RabbitMQ's part in one process, on a SQLite file.

The same events, bindings, retries and parking as on the broker; durable, so that a crash at any
point is resumed. Everything published is kept in `archive`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared import topology
from shared.clock import Clock
from shared.database import UtcDateTime, insert, make_metadata, transaction
from shared.errors import Away
from shared.outbox import Outgoing
from shared.outcome import Park, Retry, after_failure
from shared.parking import Parked
from shared.placing import Handle
from shared.topology import ConsumerQueue

log = structlog.get_logger(__name__)

metadata = make_metadata("console")

archive = sa.Table(
    "archive",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("event_id", sa.String(36), nullable=False, unique=True),
    sa.Column("type", sa.String(80), nullable=False),
    sa.Column("routing_key", sa.String(80), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("published_at", UtcDateTime, nullable=False),
    sa.Column("imported", sa.Boolean, nullable=False, server_default=sa.false()),
)
queue = sa.Table(
    "queue",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("consumer", sa.String(40), nullable=False),
    sa.Column("archived", sa.Integer, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("first_failed_at", UtcDateTime),
    sa.Column("last_error", sa.Text),
    sa.Index("ix_queue_consumer_due_at", "consumer", "due_at"),
)
parked = sa.Table(
    "parked",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("consumer", sa.String(40), nullable=False),
    sa.Column("archived", sa.Integer, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("reason", sa.String(20), nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("traceback", sa.Text, nullable=False),
    sa.Column("first_failed_at", UtcDateTime, nullable=False),
    sa.Column("parked_at", UtcDateTime, nullable=False),
)


class Unroutable(Exception):
    """No queue wants this routing key: the topology is wrong, and the event stays in its outbox."""


@dataclass(frozen=True)
class Waiting:
    """One message at its consumer."""

    seq: int
    archived: int
    event_id: str
    body: bytes
    attempt: int
    first_failed_at: datetime | None


@dataclass(frozen=True)
class Bus:
    """Publishes into the archive and the queues of those who want it; delivers what is due."""

    engine: AsyncEngine
    clock: Clock

    async def publish(self, batch: Sequence[Outgoing]) -> list[Exception | None]:
        """Take over a batch in one transaction (see `shared.outbox.Publish`)."""
        async with transaction(self.engine) as connection:
            return [await self._take(connection, event) for event in batch]

    async def _take(self, connection: AsyncConnection, event: Outgoing) -> Exception | None:
        wanted = [q for q in topology.CONSUMERS if event.routing_key in q.bindings]
        if not wanted and not topology.archived(event.routing_key):
            return Unroutable(f"nobody wants {event.routing_key!r}")
        seq = await _archive(connection, event, self.clock())
        if seq is not None:
            for consumer in wanted:
                await connection.execute(
                    queue.insert().values(consumer=consumer.name, archived=seq, due_at=self.clock())
                )
        return None

    async def deliver(self, consumer: ConsumerQueue, handle: Handle, limit: int = 100) -> int:
        """Give due messages to the handler, oldest first; how many were dealt with."""
        messages = await self._due(consumer, limit)
        for message in messages:
            try:
                await handle(message.body)
            except Exception as error:  # noqa: BLE001  every fault gets its place here
                await self._place(consumer, message, error)
            else:
                await self._remove(message)
        return len(messages)

    async def parked(self) -> int:
        """How many messages wait for a person."""
        return sum(one.count for one in await self.parking())

    async def parking(self) -> list[Parked]:
        """What waits for a person, by consumer, with the oldest one's reason."""
        async with transaction(self.engine) as connection:
            rows = await connection.execute(sa.select(parked).order_by(parked.c.seq))
            by_consumer: dict[str, list[sa.Row[Any]]] = {}
            for row in rows:
                by_consumer.setdefault(row.consumer, []).append(row)
        return [
            Parked(name, len(all_), all_[0].parked_at, all_[0].reason, all_[0].error)
            for name, all_ in by_consumer.items()
        ]

    async def _due(self, consumer: ConsumerQueue, limit: int) -> list[Waiting]:
        statement = (
            sa.select(
                queue.c.seq,
                queue.c.archived,
                archive.c.event_id,
                archive.c.body,
                queue.c.attempt,
                queue.c.first_failed_at,
            )
            .join(archive, archive.c.seq == queue.c.archived)
            .where(queue.c.consumer == consumer.name, _is_due(self.clock()))
            .order_by(queue.c.seq)
            .limit(limit)
        )
        async with transaction(self.engine) as connection:
            return [Waiting(*row) for row in (await connection.execute(statement)).all()]

    async def _remove(self, message: Waiting) -> None:
        async with transaction(self.engine) as connection:
            await connection.execute(queue.delete().where(queue.c.seq == message.seq))

    async def _place(self, consumer: ConsumerQueue, message: Waiting, error: Exception) -> None:
        now = self.clock()
        outcome = after_failure(error, message.attempt + 1, topology.RETRY_DELAYS)
        log.warning(
            "message_will_be_retried" if isinstance(outcome, Retry) else "message_parked",
            queue=consumer.name,
            event_id=message.event_id,
            attempt=message.attempt + 1,
            error=str(error),
        )
        async with transaction(self.engine) as connection:
            if isinstance(outcome, Retry):
                await _postpone(connection, message, outcome, error, now)
            else:
                await _park(connection, consumer, message, outcome, now)


def _is_due(now: datetime) -> sa.ColumnElement[bool]:
    """Its time has come, or lies further ahead than any wait.

    That was written by a clock that has been put back since: it would be waited for until then.
    """
    return sa.or_(queue.c.due_at <= now, queue.c.due_at > now + max(topology.RETRY_DELAYS))


async def _archive(connection: AsyncConnection, event: Outgoing, now: datetime) -> int | None:
    """The event's number in the archive; none when it was published before.

    One that came by an import was given to nobody: published here, it takes the import's place.
    """
    fresh = insert(connection, archive).values(
        event_id=event.event_id,
        type=event.type,
        routing_key=event.routing_key,
        body=event.body,
        published_at=now,
    )
    taking_place = ("type", "routing_key", "body", "published_at")
    seq = await connection.scalar(
        fresh.on_conflict_do_update(
            index_elements=["event_id"],
            set_={name: fresh.excluded[name] for name in taking_place} | {"imported": False},
            where=archive.c.imported,
        ).returning(archive.c.seq)
    )
    return int(seq) if seq is not None else None


async def _postpone(
    connection: AsyncConnection, message: Waiting, retry: Retry, error: Exception, now: datetime
) -> None:
    await connection.execute(
        queue.update()
        .where(queue.c.seq == message.seq)
        .values(
            attempt=message.attempt + (not isinstance(error, Away)),
            due_at=now + retry.delay,
            first_failed_at=message.first_failed_at or now,
            last_error=f"{type(error).__name__}: {error}",
        )
    )


async def _park(
    connection: AsyncConnection,
    consumer: ConsumerQueue,
    message: Waiting,
    outcome: Park,
    now: datetime,
) -> None:
    await connection.execute(
        parked.insert().values(
            consumer=consumer.name,
            archived=message.archived,
            attempt=message.attempt + 1,
            reason=outcome.reason,
            error=outcome.error,
            traceback=outcome.traceback,
            first_failed_at=message.first_failed_at or now,
            parked_at=now,
        )
    )
    await connection.execute(queue.delete().where(queue.c.seq == message.seq))
