"""Parking of the embedded mode: rows of the bus's file, settled in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.console.bus import archive, parked, queue
from services.console.parked.choose import consumers
from services.console.parked.message import Parked, Whole, read
from services.console.parked.record import SOURCE, Order, outgoing, resolved
from shared.clock import Clock
from shared.database import insert, transaction
from shared.errors import Permanent
from shared.events import CloudEvent, decode, event_id
from shared.outbox import Outgoing
from shared.topology import EXCHANGE

WINDOW = 100
"""Rows whose bodies are in memory at once."""


@dataclass(frozen=True)
class EmbeddedParking:
    """The parking of the embedded mode; see `services.console.parked.parking`."""

    engine: AsyncEngine
    clock: Clock

    async def look(self, consumer: str | None = None) -> list[Parked]:
        """What is parked, of all consumers or of one. Raises `Retryable`: the file is locked."""
        names, found, last = consumers(consumer), [], 0
        async with transaction(self.engine) as connection:
            while rows := await _rows(connection, names, last):
                found += [_read(row) for row in rows]
                last = rows[-1].seq
        return found

    async def whole(self, key: tuple[str, str]) -> list[Whole]:
        """The message of that key with all of its copies."""
        async with transaction(self.engine) as connection:
            return [
                Whole(_read(row), bytes(row.body), _headers(row), row.traceback, _origin(row))
                async for row in _meant(connection, frozenset((key,)))
            ]

    async def settle(self, order: Order) -> int:
        """Do what was ordered, and put it on record; how many messages left the parking."""
        now, gone = self.clock(), dict[str, list[Parked]]()
        async with transaction(self.engine) as connection:
            async for row in _meant(connection, order.keys):
                if order.resolution != "discarded":
                    await _put_back(connection, row, order.body, now)
                await connection.execute(parked.delete().where(parked.c.seq == row.seq))
                gone.setdefault(row.consumer, []).append(_read(row))
            for name, messages in gone.items():
                for start in range(0, len(messages), WINDOW):
                    part = messages[start : start + WINDOW]
                    event = outgoing(resolved(order, name, part, now))
                    await _archive(connection, event, now)
        return sum(len(messages) for messages in gone.values())


async def _rows(
    connection: AsyncConnection, names: Sequence[str], after: int
) -> Sequence[sa.Row[Any]]:
    statement = (
        sa.select(parked, archive.c.event_id, archive.c.routing_key, archive.c.body)
        .join(archive, archive.c.seq == parked.c.archived)
        .where(parked.c.consumer.in_(names), parked.c.seq > after)
        .order_by(parked.c.seq)
        .limit(WINDOW)
    )
    return (await connection.execute(statement)).all()


async def _meant(connection: AsyncConnection, keys: frozenset[tuple[str, str]]) -> Any:
    names, last = {consumer for consumer, _ in keys}, 0
    while rows := await _rows(connection, sorted(names), last):
        last = rows[-1].seq
        for row in rows:
            if _read(row).key in keys:
                yield row


async def _put_back(
    connection: AsyncConnection, row: sa.Row[Any], body: bytes | None, now: datetime
) -> None:
    """Into its consumer's queue, as new; an edited one is another event of the archive."""
    archived = row.archived
    if body is not None:
        archived = await _edited(connection, decode(body), body, now)
    await connection.execute(
        queue.insert().values(consumer=row.consumer, archived=archived, due_at=now)
    )


async def _edited(
    connection: AsyncConnection, event: CloudEvent, body: bytes, now: datetime
) -> int:
    """Its number in the archive, which has one row for each id.

    Where that of the event is taken by another text (the original, an earlier edit), it is under a
    name of its own: else the consumer would be given that other text once more.
    """
    kind = getattr(event, "type")  # noqa: B009  every subclass declares its literal type
    own = event_id(SOURCE, "edited", event.id, body.decode())
    for name in (event.id, own):
        number = await _archive(connection, Outgoing(name, kind, event.ROUTING_KEY, body), now)
        kept = await connection.scalar(sa.select(archive.c.body).where(archive.c.seq == number))
        if kept is not None and bytes(kept) == body:
            return number
    raise Permanent(f"the archive has another text under the name {own}")


async def _archive(connection: AsyncConnection, event: Outgoing, now: datetime) -> int:
    """Its number in the archive, where it may be already."""
    values = {"event_id": event.event_id, "type": event.type, "routing_key": event.routing_key,
              "body": event.body, "published_at": now}  # fmt: skip
    once = insert(connection, archive).values(values)
    await connection.execute(once.on_conflict_do_nothing(index_elements=["event_id"]))
    found = await connection.scalar(
        sa.select(archive.c.seq).where(archive.c.event_id == event.event_id)
    )
    return int(found or 0)


def _headers(row: sa.Row[Any]) -> dict[str, Any]:
    """What RabbitMQ would have in headers: one way to read both."""
    exchange, key = _origin(row)
    return {
        "carillon-reason": row.reason,
        "carillon-error": row.error,
        "carillon-attempt": row.attempt,
        "carillon-first-failed-at": row.first_failed_at.isoformat(),
        "carillon-parked-at": row.parked_at.isoformat(),
        "carillon-origin-exchange": exchange,
        "carillon-origin-routing-key": key,
    }


def _origin(row: sa.Row[Any]) -> tuple[str, str]:
    return EXCHANGE, row.routing_key


def _read(row: sa.Row[Any]) -> Parked:
    return read(row.consumer, bytes(row.body), row.event_id, _headers(row))
