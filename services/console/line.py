"""The embedded line: poller, classifier and notifier in one process, on files.

The same handlers, stores and outboxes as in a deployment; only the carrier is another, the bus.
What is in a store when the process dies is carried on when it starts again.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier import tables as classifier
from services.classifier.handlers import handler as classifier_handler
from services.classifier.taxonomy import Taxonomy
from services.console.bus import Bus
from services.console.stores import Stores, embedded_stores, embedded_url
from services.notifier import handlers as notifier_handlers
from services.notifier import tables as notifier
from services.notifier.office import Office
from services.notifier.run import deliver_due
from services.poller import tables as poller
from services.poller.eutils import Eutils
from services.poller.run import MAX_REREAD, poll_due
from services.poller.topic import Topic
from shared.clock import Clock
from shared.database import make_engine
from shared.events import Poll
from shared.migrate import upgrade
from shared.outbox import Outgoing, relay
from shared.placing import Handle
from shared.topology import CLASSIFIER, NOTIFIER, ConsumerQueue

Handlers = tuple[tuple[ConsumerQueue, Handle], ...]
Outboxes = tuple[tuple[AsyncEngine, sa.Table], ...]


class Carrier(Protocol):
    """What takes events out of the outboxes, and gives them to those who want them."""

    async def publish(self, batch: Sequence[Outgoing]) -> list[Exception | None]:
        """Take over a batch (see `shared.outbox.Publish`)."""

    async def deliver(self, consumer: ConsumerQueue, handle: Handle) -> int:
        """Give what is due to the handler; how many were dealt with."""


@dataclass(frozen=True)
class Line:
    """The whole line, a step at a time."""

    stores: Stores
    bus: Bus
    handlers: Handlers
    clock: Clock

    async def poll(
        self, eutils: Eutils, topics: Sequence[Topic], max_reread: int = MAX_REREAD
    ) -> list[Poll]:
        """Poll what is due."""
        return await poll_due(self.stores.poller, eutils, topics, self.clock, max_reread)

    async def carry(self) -> int:
        """Move events until none moves: out of the outboxes, to the handlers. How many moved."""
        return await carry(self.bus, self._outboxes(), self.handlers)

    def _outboxes(self) -> Outboxes:
        return (
            (self.stores.poller, poller.outbox),
            (self.stores.classifier, classifier.outbox),
            (self.stores.notifier, notifier.outbox),
        )

    async def deliver(self, office: Office) -> int:
        """Send the digests that are due."""
        return await deliver_due(self.stores.notifier, office, self.clock)


async def carry(carrier: Carrier, outboxes: Outboxes, handlers: Handlers) -> int:
    """Move events until none moves; how many moved."""
    moved = 0
    while step := await _step(carrier, outboxes, handlers):
        moved += step
    return moved


async def _step(carrier: Carrier, outboxes: Outboxes, handlers: Handlers) -> int:
    moved = 0
    for engine, outbox in outboxes:
        moved += await relay(engine, outbox, carrier.publish)
    for queue, handle in handlers:
        moved += await carrier.deliver(queue, handle)
    return moved


async def open_line(state: Path, taxonomy: Taxonomy, clock: Clock, stack: AsyncExitStack) -> Line:
    """Open, and bring up to date, the stores under `state`; the stack closes them."""
    stores = embedded_stores(state)
    stack.push_async_callback(stores.close)
    await stores.migrate()
    carrier = make_engine(embedded_url(state, "bus"))
    stack.push_async_callback(carrier.dispose)
    await upgrade(carrier, "console")
    return Line(
        stores=stores,
        bus=Bus(carrier, clock),
        handlers=(
            (CLASSIFIER, classifier_handler(stores.classifier, taxonomy, clock)),
            (NOTIFIER, notifier_handlers.handler(stores.notifier, clock)),
        ),
        clock=clock,
    )
