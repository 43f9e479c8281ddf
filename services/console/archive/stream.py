"""The deployed archive: a RabbitMQ stream, read by its own protocol or by AMQP 0-9-1.

The stream protocol brings whole chunks and is several times as fast; it needs the broker's plugin
`rabbitmq_stream` and its port. Where that does not answer, AMQP 0-9-1 reads the same.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field

import structlog

from services.console.archive.recorded import Recorded
from services.console.archive.stream_amqp import read_amqp
from services.console.archive.stream_native import Address, Connected, connect
from services.console.settings import NATIVE_PORT
from shared.errors import Away

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Stream:
    """Where the archive is. `port` is that of the stream protocol; 0: AMQP 0-9-1 only."""

    url: str = field(repr=False)
    port: int = NATIVE_PORT

    async def read(self) -> AsyncIterator[Recorded]:
        """All that the stream held when reading began, in order, at most a few chunks in memory.

        Raises:
            Away: the broker cannot be reached, or went away meanwhile.
        """
        connected = await self._connected()
        source = connected.read() if connected else read_amqp(self.url)
        async with aclosing(source) as entries:
            async for entry in entries:
                yield entry

    async def _connected(self) -> Connected | None:
        address = Address.of(self.url, self.port)
        if address is None:
            return None
        try:
            return await connect(address)
        except Away as fault:
            log.info("archive_read_by_amqp", reason=str(fault))
            return None
