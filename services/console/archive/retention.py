"""How long the archive keeps events: told to RabbitMQ as a policy, done by ourselves when embedded.

A stream's arguments cannot be changed: a declare with others is refused. A policy can, at any
time, and the lower of both holds (https://www.rabbitmq.com/docs/streams#retention). RabbitMQ
drops whole segments, when it begins a new one: a small archive stays longer than it is asked to.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpx
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.console.bus import archive, parked, queue
from shared import topology
from shared.database import transaction
from shared.errors import ConfigurationError, Retryable

POLICY = "carillon-archive"
BATCH = 2_000
"""Rows looked at in one transaction."""


@dataclass(frozen=True)
class Retention:
    """Days, and MB (10^6 bytes) of events where that is limited too."""

    days: int
    megabytes: int | None = None


async def tell_broker(management_url: str, amqp_url: str, retention: Retention) -> None:
    """Set the policy of the archive's stream; user, password and virtual host are of the AMQP URL.

    Raises:
        Retryable: the management API cannot be reached.
        ConfigurationError: it refuses.
    """
    parts = urlsplit(amqp_url)
    vhost = quote(unquote(parts.path.removeprefix("/")) or "/", safe="")
    url = f"{management_url.rstrip('/')}/api/policies/{vhost}/{POLICY}"
    user = (unquote(parts.username or "guest"), unquote(parts.password or "guest"))
    try:
        async with httpx.AsyncClient(auth=user, timeout=30.0) as client:
            answer = await client.put(url, json=policy(retention))
    except httpx.HTTPError as error:
        raise Retryable(f"RabbitMQ's management API: {type(error).__name__}") from error
    if answer.status_code not in (200, 201, 204):
        raise ConfigurationError(
            f"RabbitMQ's management API answers {answer.status_code} to the archive's policy: "
            "its user must be a policymaker (CARILLON_MANAGEMENT_URL, CARILLON_AMQP_URL)"
        )


def policy(retention: Retention) -> dict[str, Any]:
    """The policy as the API takes it."""
    keep: dict[str, str | int] = {"max-age": f"{retention.days}D"}
    if retention.megabytes:
        keep["max-length-bytes"] = retention.megabytes * 1_000_000
    pattern = f"^{topology.ARCHIVE.replace('.', chr(92) + '.')}$"
    return {"pattern": pattern, "definition": keep, "apply-to": "streams"}


async def prune(engine: AsyncEngine, now: datetime, retention: Retention) -> int:
    """Forget the oldest embedded events beyond the retention; how many.

    One that waits for a consumer or is parked stays.

    Raises:
        Retryable: the archive is locked for too long.
    """
    before, gone = now - timedelta(days=retention.days), 0
    while step := await _step(engine, archive.c.published_at < before):
        gone += step
    if retention.megabytes:
        gone += await _shorten(engine, retention.megabytes * 1_000_000)
    return gone


async def _step(engine: AsyncEngine, old: sa.ColumnElement[bool]) -> int:
    """Delete what is old among the oldest rows."""
    async with transaction(engine) as connection:
        seqs = sa.select(archive.c.seq).where(old, *_free()).order_by(archive.c.seq).limit(BATCH)
        return await _delete(connection, list((await connection.scalars(seqs)).all()))


async def _shorten(engine: AsyncEngine, most: int) -> int:
    gone = 0
    while True:
        async with transaction(engine) as connection:
            held = await connection.scalar(sa.select(sa.func.sum(sa.func.length(archive.c.body))))
            oldest = sa.select(archive.c.seq, sa.func.length(archive.c.body)).where(*_free())
            rows = (await connection.execute(oldest.order_by(archive.c.seq).limit(BATCH))).all()
            over, seqs = (held or 0) - most, []
            for seq, size in rows:
                if over <= 0:
                    break
                seqs.append(seq)
                over -= size
            if not await _delete(connection, seqs):
                return gone
            gone += len(seqs)


async def _delete(connection: AsyncConnection, seqs: list[int]) -> int:
    if seqs:
        await connection.execute(archive.delete().where(archive.c.seq.in_(seqs)))
    return len(seqs)


def _free() -> tuple[sa.ColumnElement[bool], ...]:
    return tuple(archive.c.seq.not_in(sa.select(used.c.archived)) for used in (queue, parked))
