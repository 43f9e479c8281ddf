"""RabbitMQ, as each account meets it, by AMQP."""

import asyncio
import socket
import ssl

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import (
    AMQPError,
    ChannelNotFoundEntity,
    InvalidFrameError,
    ProbableAuthenticationError,
)
from yarl import URL

from services.console.doctor.rules.broker import Entered, Fault, Held, Queues
from services.console.doctor.rules.topology import wanted_exchanges, wanted_queues
from shared.broker import with_heartbeat

CONNECT_SECONDS = 8.0


async def gather(url: str, who: tuple[str, ...]) -> Entered:
    """Come in as this account, and go."""
    if not _is_url(url):
        return Entered(who, "url", "not a URL of a broker that can be used")
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            connection = await aio_pika.connect(with_heartbeat(url))
            await connection.close()
    except (AMQPError, OSError, TimeoutError, ValueError) as error:
        return Entered(who, *_fault(error))
    return Entered(who)


def _is_url(url: str) -> bool:
    try:
        parts = URL(url)
    except ValueError:
        return False
    return parts.scheme in {"amqp", "amqps"} and bool(parts.host)


def _fault(error: Exception) -> tuple[Fault, str]:
    """What kept us out, in words without user, password or address."""
    cause = error.__cause__ or error.__context__ or error
    kinds: tuple[tuple[bool, Fault, str], ...] = (
        (isinstance(error, ProbableAuthenticationError), "login", "user or password is refused"),
        (isinstance(error, InvalidFrameError), "vhost", _NO_VHOST),
        (isinstance(cause, ssl.SSLError), "tls", f"TLS cannot be agreed on ({_reason(cause)})"),
        (isinstance(cause, socket.gaierror), "unreachable", "the host's name is not known here"),
        (isinstance(cause, ConnectionRefusedError), "unreachable", "nobody listens at that port"),
        (isinstance(cause, _HANGS_UP), "tls", "it hangs up at our first word: is it a TLS port?"),
    )
    otherwise: tuple[Fault, str] = ("unreachable", f"no connection ({type(cause).__name__})")
    return next(((fault, words) for so, fault, words in kinds if so), otherwise)


def _reason(error: BaseException) -> str:
    return str(getattr(error, "reason", None) or type(error).__name__)


_NO_VHOST = "the user may not enter this virtual host, or there is none of that name"
_HANGS_UP = (ConnectionResetError, asyncio.IncompleteReadError)


async def gather_queues(url: str) -> Queues:
    """What is in each queue, and who reads; raises what the broker raises."""
    connection = await aio_pika.connect(with_heartbeat(url), timeout=CONNECT_SECONDS)
    async with connection:
        look = _Look(connection)
        held = {name: await look.held(name) for name in wanted_queues()}
        gone = [name for name in wanted_exchanges() if not await look.has_exchange(name)]
    return Queues(held, tuple(gone))


class _Look:
    """Asks for one after the other on a channel; what is not there closes it, and costs another."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection
        self._channel: AbstractChannel | None = None

    async def held(self, name: str) -> Held | None:
        """What a queue holds; None where there is none."""
        try:
            queue = await (await self._open()).declare_queue(name, passive=True)
        except ChannelNotFoundEntity:
            self._channel = None
            return None
        found = queue.declaration_result
        return Held(found.message_count or 0, found.consumer_count or 0)

    async def has_exchange(self, name: str) -> bool:
        """Whether there is an exchange of this name."""
        try:
            await (await self._open()).get_exchange(name, ensure=True)
        except ChannelNotFoundEntity:
            self._channel = None
            return False
        return True

    async def _open(self) -> AbstractChannel:
        if self._channel is None:
            self._channel = await self._connection.channel()
        return self._channel
