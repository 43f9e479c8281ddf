"""The topology as a service needs it: declared by itself, or, where it may not, by `migrate`."""

import asyncio

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel

from shared import topology
from shared.broker import CONNECT_SECONDS, DECLARE_SECONDS, declare_topology, with_heartbeat
from shared.errors import Away, Forbidden
from shared.placing import AWAY
from shared.topology import ConsumerQueue

log = structlog.get_logger(__name__)


class Declared:
    """Sees to it that a service's exchanges and queues are there.

    With an account that may declare nothing (docs/deploy.md) it looks whether they are, and never
    tries again: the broker would note each try as an error.
    """

    def __init__(self, url: str, queue: ConsumerQueue | None) -> None:
        """`queue` is the one that the service consumes, if it consumes."""
        self._url, self._queue = url, queue
        self._forbidden = False

    async def __call__(self) -> None:
        """Declare, or look.

        Raises:
            Away: the broker cannot be reached, or something is not there.
        """
        if not self._forbidden:
            try:
                await declare_topology(self._url)
            except Forbidden:
                self._forbidden = True
                log.info("topology_is_declared_by_migrate")
            else:
                return
        await self._look()

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(DECLARE_SECONDS):
                url = with_heartbeat(self._url)
                connection = await aio_pika.connect(url, timeout=CONNECT_SECONDS)
                async with connection:
                    await _present(await connection.channel(), self._queue)
        except AWAY as error:
            raise Away(
                f"broker: {type(error).__name__} while looking for exchanges and queues: "
                "run `carillon migrate`"
            ) from error


async def _present(channel: AbstractChannel, queue: ConsumerQueue | None) -> None:
    for exchange in (topology.EXCHANGE, topology.ARCHIVE_EXCHANGE):
        await channel.get_exchange(exchange, ensure=True)
    if queue is None:
        return
    await channel.get_exchange(queue.own_exchange, ensure=True)
    for name in (queue.name, *queue.for_copies):
        await channel.get_queue(name, ensure=True)
