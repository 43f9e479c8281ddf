"""One consumer's parking in a console's hand, and back when it lets go.

A quorum queue cannot be browsed. So its messages are taken with manual acknowledgement on one
channel, a window at a time, and given back together. A console that dies does the same: its
connection is lost, and the broker takes them back. An exclusive queue says who has the parking in
hand, so that another console waits instead of seeing half of it
(https://www.rabbitmq.com/docs/queues#exclusive-queues). A consumer stays on while anything is in
hand: `shared.parking` knows by it that a count of nothing is not none.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import (
    AbstractChannel,
    AbstractConnection,
    AbstractIncomingMessage,
    AbstractQueue,
)
from aiormq.exceptions import ChannelLockedResource

from shared.broker import CONNECT_SECONDS, with_heartbeat
from shared.errors import Away, Retryable

WINDOW = 100
"""Messages on their way to us at once: of bodies, two windows are in our memory at most."""
QUIET_SECONDS = 5.0
"""So long nothing comes of what is there, before somebody else is taken to have it."""
SURE_SECONDS = 1.0
"""So long an empty parking is watched: where a queue has no leader, the broker counts nothing."""

Window = list[AbstractIncomingMessage]


class Hand:
    """What is taken of one parking."""

    def __init__(
        self, connection: AbstractConnection, channel: AbstractChannel, queue: AbstractQueue
    ) -> None:
        self.connection = connection
        self._channel, self._queue = channel, queue
        self._arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        self._consumer: str | None = None
        self._held: dict[int, str] = {}

    async def windows(self) -> AsyncIterator[Window]:
        """What was there at the start, in its order, some messages at a time.

        Each window has a consumer of its own: the prefetch of one is full with what it was given.
        The next one takes its place before anything of a window is acknowledged: one that is full
        is sent nothing while it is cancelled, and what is sent then comes to nobody. So what is
        parked anew meanwhile does not come in place of something that was there.
        """
        left = await self._ready() or await self._uncounted()
        if left and self._consumer is None:
            await self._next_consumer()
        while left > 0:
            window = await self._filled(min(left, WINDOW))
            left -= len(window)
            if left > 0:
                await self._next_consumer()
            yield window

    async def ack(self, messages: Window) -> None:
        """These leave the parking for good."""
        await asyncio.gather(*(message.ack() for message in messages))
        for message in messages:
            self._held.pop(message.delivery_tag or 0)

    async def give_back(self) -> None:
        """Everything that was taken and is not gone; it is there again on return.

        One consumer's after the other's: given back at once they would change their order.
        """
        if self._consumer is None:
            return
        await self._queue.cancel(self._consumer)
        while not self._arrived.empty():
            self._took(self._arrived.get_nowait())
        channel = await self._channel.get_underlay_channel()
        last = {consumer: tag for tag, consumer in self._held.items()}
        for tag in sorted(last.values()):
            await channel.basic_nack(tag, multiple=True, requeue=True)
        for _ in range(30):
            if await self._ready() >= len(self._held):
                return
            await asyncio.sleep(0.1)

    async def _next_consumer(self) -> None:
        before, self._consumer = self._consumer, await self._queue.consume(self._arrived.put)
        if before is not None:
            await self._queue.cancel(before)

    async def _uncounted(self) -> int:
        """What is there though it was not counted; a queue without a leader takes no consumer."""
        await self._next_consumer()
        await asyncio.sleep(SURE_SECONDS)
        come = self._arrived.qsize()
        return come and come + await self._ready()

    async def _filled(self, wanted: int) -> Window:
        window: Window = []
        try:
            while len(window) < wanted:
                async with asyncio.timeout(QUIET_SECONDS):
                    window.append(self._took(await self._arrived.get()))
        except TimeoutError as error:
            raise Away(
                f"broker: {wanted - len(window)} messages of {self._queue.name} do not come; "
                "somebody else has them in hand: look again"
            ) from error
        return window

    def _took(self, message: AbstractIncomingMessage) -> AbstractIncomingMessage:
        self._held[message.delivery_tag or 0] = message.consumer_tag or ""
        return message

    async def _ready(self) -> int:
        found = await self._channel.declare_queue(self._queue.name, passive=True)
        return found.declaration_result.message_count or 0


@asynccontextmanager
async def in_hand(url: str, consumer: str) -> AsyncIterator[Hand]:
    """The parking of a consumer, for this console alone.

    Raises:
        Away: not everything that is there came. Nothing is taken for all of it.
        Retryable: another console has it in hand. Else what aio-pika raises.
    """
    connection = await aio_pika.connect(with_heartbeat(url), timeout=CONNECT_SECONDS)
    async with connection:
        claim = await connection.channel()
        try:
            await claim.declare_queue(f"{consumer}.parked.hand", exclusive=True)
        except ChannelLockedResource as error:
            raise Retryable(
                f"another console has the parking of {consumer} in hand: try again"
            ) from error
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=WINDOW)
        queue = await channel.declare_queue(f"{consumer}.parked", passive=True)
        hand = Hand(connection, channel, queue)
        yield hand
        await hand.give_back()
