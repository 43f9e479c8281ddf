"""Carries events between the services of a sandbox, in memory: no broker, no file, no waits.

Nothing here passes with time: what a handler refuses once is a fault, and is told.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.console.replay.sandbox.result import Fault, Where
from shared.errors import Permanent, Retryable
from shared.outbox import Outgoing
from shared.placing import Handle
from shared.topology import CLASSIFIER, CONSUMERS, ConsumerQueue

Passed = Callable[[Outgoing], None]
"""Is told each event that was published, in order."""


@dataclass(frozen=True)
class Belt:
    """A `line.Carrier` that remembers what could not be handled, and that ends with its process."""

    passed: Passed
    faults: list[Fault] = field(default_factory=list)
    positions: dict[str, int] = field(default_factory=dict)
    _waiting: dict[str, list[Outgoing]] = field(default_factory=lambda: defaultdict(list))

    async def publish(self, batch: Sequence[Outgoing]) -> list[Exception | None]:
        """Give each event to those who want it."""
        for event in batch:
            self.passed(event)
            for queue in CONSUMERS:
                if event.routing_key in queue.bindings:
                    self._waiting[queue.name].append(event)
        return [None] * len(batch)

    async def deliver(self, consumer: ConsumerQueue, handle: Handle) -> int:
        """Handle what waits, all at once, so that it is committed together; in its order."""
        taken = self._waiting.pop(consumer.name, [])
        results = await asyncio.gather(
            *(handle(event.body) for event in taken), return_exceptions=True
        )
        for event, result in zip(taken, results, strict=True):
            if isinstance(result, Exception):
                self.faults.append(self._fault(consumer, event, result))
            elif result is not None:
                raise result
        return len(taken)

    def _fault(self, consumer: ConsumerQueue, event: Outgoing, error: Exception) -> Fault:
        where: Where = "classifier" if consumer is CLASSIFIER else "notifier"
        known = isinstance(error, Permanent | Retryable)
        told = str(error) if known else f"a bug: {type(error).__name__}: {error}"
        position = self.positions.get(event.event_id)
        return Fault(position, event.event_id, event.type, where, told)
