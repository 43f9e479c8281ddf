"""Channels that publish: what is declared on none, and what becomes of a confirm that is lost."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from aio_pika.abc import AbstractChannel, AbstractConnection
from faststream.rabbit import RabbitBroker

Opened = Callable[[], Awaitable[AbstractChannel]]
"""The channel, opened when it is first asked for."""


def own_channel(broker: RabbitBroker) -> Opened:
    """A channel of the broker's connection, opened when it is first asked for.

    Nothing is declared on it. A channel that the broker closes (a publish to an exchange that is
    not there) is opened again by aio-pika once, with all that was declared on it: on FastStream's
    own that is the missing exchange, and it would stay closed for ever.

    Raises:
        ConnectionError: (by asking) there is no connection to open it on, at the moment.
    """
    turn = asyncio.Lock()
    opened: dict[int, AbstractChannel] = {}

    async def channel() -> AbstractChannel:
        connection = await broker.connect()
        async with turn:
            if id(connection) not in opened:
                opened[id(connection)] = await _new_channel(connection)
        return opened[id(connection)]

    return channel


async def _new_channel(connection: AbstractConnection) -> AbstractChannel:
    try:
        return await connection.channel(on_return_raises=True)
    except RuntimeError as closed:  # aio_pika's word for a connection that is being opened again
        raise ConnectionError(str(closed)) from closed


@contextmanager
def lost_is_a_fault() -> Iterator[None]:
    """A connection that is given up cancels who waits for a confirm: nobody told us to stop.

    Raises:
        ConnectionError: the confirm will not come.
    """
    try:
        yield
    except asyncio.CancelledError as lost:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise ConnectionError("the connection was given up before the confirm") from lost
