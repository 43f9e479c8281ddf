"""What is put on record when messages leave a parking: never a body."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.console.archive.scrub import without_secrets
from services.console.parked.message import Parked
from shared.events import (
    ParkedMessages,
    ParkedResolved,
    Resolution,
    event_id,
    traceparent,
)
from shared.outbox import Outgoing

SOURCE = "urn:carillon:console"
_ADDRESS = re.compile(r"\S+@\S+")


@dataclass(frozen=True)
class Order:
    """What an operator wants done with the messages of these keys, and what is noted of it.

    `body` goes instead of the message's own (an edited one).
    """

    run: str
    resolution: Resolution
    keys: frozenset[tuple[str, str]]
    by: str
    because: str = ""
    forced: bool = False
    body: bytes | None = None
    edited_to: str | None = None


def nameless(text: str) -> str:
    """An operator's words for the record: it is kept for a year, and exported."""
    return without_secrets(_ADDRESS.sub("(address)", text))


def resolved(order: Order, consumer: str, gone: Sequence[Parked], now: datetime) -> ParkedResolved:
    """The event for some messages of one consumer.

    Its id follows from the run and the messages: one part told twice is seen to be one.
    """
    names = tuple(one.id for one in gone)
    identity = event_id(SOURCE, ParkedResolved.ROUTING_KEY, order.run, consumer, *names)
    return ParkedResolved(
        id=identity,
        source=SOURCE,
        subject=order.run,
        time=now,
        traceparent=traceparent(identity),
        data=ParkedMessages(
            resolution_id=order.run,
            resolution=order.resolution,
            consumer=consumer,
            messages=names,
            reasons=dict(sorted(Counter(one.reason for one in gone).items())),
            forced=order.forced,
            by=nameless(order.by.partition("@")[0]),
            because=nameless(order.because),
            edited_to=order.edited_to,
        ),
    )


def outgoing(event: ParkedResolved) -> Outgoing:
    """As a carrier takes it."""
    return Outgoing(event.id, event.type, event.ROUTING_KEY, event.encode())
