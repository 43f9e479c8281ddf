"""A carrier that may do what brokers do: refuse, forget to answer, repeat, mix the order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from shared.errors import Retryable
from shared.outbox import Outgoing
from shared.topology import CONSUMERS
from tests.model.ground import Killed

Answer = Literal["confirmed", "refused", "lost"]
"""`lost`: taken, but its confirm did not come."""

End = Literal["answers", "away", "dies-before", "dies-after"]
"""How a batch ends: with its answers, a broker that is away, or a process that dies."""


@dataclass
class Carrier:
    """`queues` has what waits at each consumer, any of it next; `ever` all that was ever taken."""

    queues: dict[str, list[Outgoing]] = field(
        default_factory=lambda: {consumer.name: [] for consumer in CONSUMERS}
    )
    ever: dict[str, Outgoing] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    end: End = "answers"

    async def publish(self, batch: Sequence[Outgoing]) -> list[Exception | None]:
        """See `shared.outbox.Publish`; what it was told to answer is used up."""
        if self.end == "away":
            raise Retryable("the broker is away")
        if self.end == "dies-before":
            raise Killed
        faults = [self._take(event) for event in batch]
        if self.end == "dies-after":
            raise Killed
        return faults

    def _take(self, event: Outgoing) -> Exception | None:
        answer = self.answers.pop(0) if self.answers else "confirmed"
        if answer == "refused":
            return Retryable("nacked")
        self.put(event)
        return Retryable("no confirm came") if answer == "lost" else None

    def put(self, event: Outgoing) -> None:
        """Into the queues of those who want it."""
        self.ever[event.event_id] = event
        for consumer in CONSUMERS:
            if event.routing_key in consumer.bindings:
                self.queues[consumer.name].append(event)
