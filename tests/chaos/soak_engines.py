"""What broker and database say of their clients, and how to cut these off."""

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import aio_pika
import httpx
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.topology import EXCHANGE, ConsumerQueue
from tests.parts import Rabbit


@dataclass(frozen=True)
class Management:
    """RabbitMQ's management API, for one virtual host (https://www.rabbitmq.com/docs/management)."""

    rabbit: Rabbit
    vhost: str
    http: httpx.AsyncClient

    @classmethod
    def of(cls, rabbit: Rabbit, amqp_url: str, http: httpx.AsyncClient) -> "Management":
        """For the virtual host that a URL names."""
        return cls(rabbit, urlsplit(amqp_url).path.lstrip("/"), http)

    async def numbers(self) -> dict[str, float]:
        """Connections and channels now, and the broker's memory in MB; none while it is away."""
        try:
            connections = await self._get(f"vhosts/{quote(self.vhost)}/connections")
            channels = await self._get(f"vhosts/{quote(self.vhost)}/channels")
            nodes = await self._get("nodes")
        except httpx.HTTPError:
            return {}
        return {
            "connections": len(connections),
            "channels": len(channels),
            "broker_memory": nodes[0].get("mem_used", 0) / 1_000_000,
        }

    async def close_connections(self) -> int:
        """Cut off all clients; how many that were."""
        names = [one["name"] for one in await self._get(f"vhosts/{quote(self.vhost)}/connections")]
        for name in names:
            with contextlib.suppress(httpx.HTTPError):
                await self.http.delete(self._url(f"connections/{quote(name, safe='')}"))
        return len(names)

    async def in_hand(self, queue: str) -> int:
        """Messages of a queue that were delivered and not answered yet."""
        found = await self._get(f"queues/{quote(self.vhost)}/{quote(queue)}")
        return int(found.get("messages_unacknowledged", 0))

    async def restart(self) -> None:
        """Stop the broker's application and start it again: connections go, data stay."""
        await asyncio.to_thread(self.rabbit.stop)
        await asyncio.sleep(2)
        await asyncio.to_thread(self.rabbit.start)

    def _url(self, path: str) -> str:
        return f"{self.rabbit.management}/api/{path}"

    async def _get(self, path: str) -> Any:
        answer = await self.http.get(self._url(path))
        answer.raise_for_status()
        return answer.json()


@dataclass
class Queues:
    """How many messages wait, asked by AMQP: what the management API says is seconds old."""

    amqp_url: str
    _connection: aio_pika.abc.AbstractConnection | None = None
    _channel: aio_pika.abc.AbstractChannel | None = None

    async def ready(self, names: Iterable[str]) -> dict[str, int]:
        """Messages in each queue, but for those in hand. Raises as the library does."""
        if self._channel is None or self._channel.is_closed:
            await self.close()
            self._connection = await aio_pika.connect(self.amqp_url, timeout=30)
            self._channel = await self._connection.channel()
        found = {}
        for name in names:
            queue = await self._channel.declare_queue(name, passive=True, timeout=30)
            found[name] = int(queue.declaration_result.message_count or 0)
        return found

    async def unbind(self, queue: ConsumerQueue) -> None:
        """Let nothing more come into a queue that nobody reads."""
        connection = await aio_pika.connect(self.amqp_url, timeout=30)
        async with connection:
            channel = await connection.channel()
            found = await channel.declare_queue(queue.name, passive=True)
            for key in queue.bindings:
                await found.unbind(EXCHANGE, key)

    async def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(Exception):  # cut off, or its broker is away
                await connection.close()


async def backends(engine: AsyncEngine) -> dict[str, float]:
    """How many connections PostgreSQL has to this database, ours among them; none when cut off."""
    try:
        async with engine.connect() as connection:
            count = await connection.scalar(
                sa.text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            )
    except (sa.exc.DBAPIError, OSError):
        return {}
    return {"backends": float(count or 0)}


async def cut_backends(engine: AsyncEngine) -> int:
    """End all connections to this database but our own; how many that were."""
    async with engine.begin() as connection:
        found = await connection.scalars(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
        return sum(map(bool, found))
