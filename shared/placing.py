"""What becomes of a message in hand: handled, handled alone, retried later, or parked.

A copy is confirmed where it belongs before the original is acknowledged. While the broker takes
no copy (it is blocked, its queue is full), the original stays in hand: neither lost, nor parked
without a reason, nor delivered again in a hot loop. A connection that is lost gives it back.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from aio_pika.exceptions import AMQPError, MessageProcessError
from aiormq.exceptions import ChannelInvalidStateError
from faststream.exceptions import IncorrectState
from faststream.message import StreamMessage

from shared import topology, tracing
from shared.clock import Clock
from shared.errors import Away
from shared.outcome import Park, Retry, after_failure
from shared.topology import ConsumerQueue

log = structlog.get_logger(__name__)

Handle = Callable[[bytes], Awaitable[None]]
"""A service's handler: one event in, its effect committed when it returns."""
Copy = Callable[[str, StreamMessage[Any], dict[str, Any]], Awaitable[None]]
"""Puts a copy with these headers into the queue of that name; returns when it is confirmed."""

AWAY = (OSError, AMQPError, ChannelInvalidStateError, IncorrectState)
"""How a broker that is away, restarting or reconnecting shows itself.

Time-outs and lost connections are among `OSError`. A publish that was refused is an `AMQPError`
too: whoever tells the two apart asks for that first.
"""

PATIENCE_SECONDS = 60.0
"""How long a message stays in hand while the database is away; far less than the broker's
`consumer_timeout` of 30 minutes (https://www.rabbitmq.com/docs/consumers#acknowledgement-timeout)."""
LONGEST_SECONDS = 600.0
"""How long a message may be handled before it waits elsewhere, also well below that limit.

A COMMIT that waits for a standby has no end of its own (`shared.committing`).
"""
LONGEST_PAUSE = 10.0


@dataclass(frozen=True)
class Place:
    """Where the messages of one consumer go; `working` is false once it is told to stop.

    What is not handled in `longest` seconds counts as waiting for an engine.
    """

    queue: ConsumerQueue
    handle: Handle
    copy: Copy
    clock: Clock
    working: Callable[[], bool]
    longest: float = LONGEST_SECONDS
    survived: Counter[str] = field(default_factory=Counter)

    async def of_work(self, message: StreamMessage[Any]) -> None:
        """Handle a message, unless it may be one that kills its process: that is handled alone.

        The broker counts a delivery without an answer for the killer, and for all that was in
        hand beside it. None of them is handled here again, so that the counts of the others,
        alone, can tell who it was.
        """
        if _unanswered(message) < topology.SUSPECT_AFTER:
            await self._handled(message)
            return
        headers = _carried(message, self.clock())
        deliveries = _number(headers, "carillon-deliveries") + _unanswered(message)
        log.warning("message_suspected", queue=self.queue.name, event_id=message.message_id)
        await self._moved(
            message, self.queue.suspects, headers | {"carillon-deliveries": deliveries}
        )

    async def of_suspects(self, message: StreamMessage[Any]) -> None:
        """Handle a message that nothing else is in hand with, or park it as the killer.

        A delivery that this process has survived (its connection was lost) was no death. Here
        nobody waits in hand for the database: that would be an easy target for a restart.
        """
        name = message.message_id
        deaths = _unanswered(message) - self.survived[name]
        if deaths < topology.KILLER_AFTER:
            try:
                await self._handled(message, patience=0.0)
            except asyncio.CancelledError:
                self.survived[name] += 1
                raise
            self.survived.pop(name, None)
            return
        headers = _carried(message, self.clock())
        told = f"the process ended {deaths} times while it handled this message alone"
        await self._parked(
            message,
            headers,
            _number(headers, "carillon-attempt") + _number(headers, "carillon-deliveries") + deaths,
            Park("killer", told, "none: the process did not live to write one"),
        )

    async def _handled(
        self, message: StreamMessage[Any], patience: float = PATIENCE_SECONDS
    ) -> None:
        body, about = bytes(message.body), {"event_id": message.message_id}
        with (
            structlog.contextvars.bound_contextvars(**about),
            tracing.span_of(f"process {self.queue.name}", "consumer", body, **about) as span,
        ):
            try:
                await self._in_time(body, patience)
            except Exception as error:  # noqa: BLE001  every fault gets its place here
                span.failed(error)
                await self._placed(message, error)
            else:
                await _acknowledge(message)

    async def _in_time(self, body: bytes, patience: float) -> None:
        try:
            async with asyncio.timeout(self.longest) as limit:
                await self._tried(body, patience)
        except TimeoutError as fault:
            if limit.expired():
                raise Away(f"it was not done in {self.longest:g} s") from fault
            raise

    async def _tried(self, body: bytes, patience: float) -> None:
        """Handle it; while the database is away, again and again for a while."""
        waited, pause = 0.0, 0.5
        while True:
            try:
                await self.handle(body)
            except Away:
                if waited >= patience or not self.working():
                    raise
                await asyncio.sleep(pause)
                waited, pause = waited + pause, min(pause * 2, LONGEST_PAUSE)
            else:
                return

    async def _placed(self, message: StreamMessage[Any], error: Exception) -> None:
        if isinstance(error, Away) and not self.working():
            message.raw_message.lock()  # given back with the connection
            return
        headers = _carried(message, self.clock())
        before = _number(headers, "carillon-attempt")
        outcome = after_failure(error, before + 1, topology.RETRY_DELAYS)
        if isinstance(outcome, Park):
            await self._parked(message, headers, before + 1, outcome)
            return
        attempt = before if isinstance(error, Away) else before + 1
        await self._retried(message, headers | {"carillon-attempt": attempt}, outcome, error)

    async def _retried(
        self, message: StreamMessage[Any], headers: dict[str, Any], retry: Retry, error: Exception
    ) -> None:
        log.warning(
            "message_will_be_retried",
            queue=self.queue.name,
            event_id=message.message_id,
            attempt=headers["carillon-attempt"],
            seconds=retry.delay.total_seconds(),
            reason=str(error),
        )
        await self._moved(message, self.queue.retry(retry.step), headers)

    async def _parked(
        self, message: StreamMessage[Any], headers: dict[str, Any], attempt: int, park: Park
    ) -> None:
        log.error(
            "message_parked",
            queue=self.queue.name,
            event_id=message.message_id,
            attempt=attempt,
            reason=park.reason,
            error=park.error,
        )
        reasons = {
            "carillon-attempt": attempt,
            "carillon-reason": park.reason,
            "carillon-error": park.error[:1_000],
            "carillon-traceback": park.traceback,
            "carillon-parked-at": self.clock().isoformat(),
        }
        await self._moved(message, self.queue.parked, headers | reasons)

    async def _moved(
        self, message: StreamMessage[Any], target: str, headers: dict[str, Any]
    ) -> None:
        """Copy until the copy is safe, then acknowledge; told to stop, leave it to the broker."""
        pause = 0.5
        while True:
            try:
                await self.copy(target, message, headers)
            except Exception as fault:  # noqa: BLE001  whatever it is, there is no copy yet
                log.warning("copy_refused", queue=target, event_id=message.message_id,
                            error=type(fault).__name__, seconds=pause)  # fmt: skip
            else:
                await _acknowledge(message)
                return
            if not self.working():
                message.raw_message.lock()
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)


async def _acknowledge(message: StreamMessage[Any]) -> None:
    """Tell the broker; where the channel is gone it delivers again, and the inbox knows it."""
    try:
        await message.raw_message.ack()
    except (*AWAY, MessageProcessError) as fault:
        log.info("acknowledgement_lost", event_id=message.message_id, error=type(fault).__name__)
    finally:
        message.raw_message.lock()


def _unanswered(message: StreamMessage[Any]) -> int:
    """Deliveries before this one that ended with a crash or a lost connection.

    Quorum queues count them: https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling
    """
    return _number(message.headers, "x-delivery-count")


def _number(headers: dict[str, Any], name: str) -> int:
    found = headers.get(name, 0)
    return found if isinstance(found, int) else 0


def _carried(message: StreamMessage[Any], now: datetime) -> dict[str, Any]:
    """Our own account of attempts: `x-death` does not grow when a client republishes."""
    raw = message.raw_message
    return {
        "carillon-first-failed-at": now.isoformat(),
        "carillon-origin-exchange": raw.exchange or "",
        "carillon-origin-routing-key": raw.routing_key or "",
        **{key: value for key, value in message.headers.items() if key.startswith("carillon-")},
    }
