"""Fakes for interfaces we own; they record outcomes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage

from shared.outbox import Outgoing


@dataclass
class FakeCarrier:
    """Takes over what it does not refuse."""

    refuses: set[str] = field(default_factory=set)
    taken: list[Outgoing] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        return [event.event_id for event in self.taken]

    async def publish(self, batch: Sequence[Outgoing]) -> list[Exception | None]:
        faults: list[Exception | None] = []
        for event in batch:
            refused = event.event_id in self.refuses
            faults.append(ValueError("refused") if refused else None)
            if not refused:
                self.taken.append(event)
        return faults


@dataclass
class FakeClock:
    """Shows the instant it is set to."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class FakeSender:
    """Takes every message; before that it meets the faults it was given, one a message."""

    faults: list[Exception] = field(default_factory=list)
    sent: list[tuple[str, EmailMessage]] = field(default_factory=list)

    async def send(self, message: EmailMessage, recipient: str) -> None:
        await asyncio.sleep(0)
        if self.faults:
            raise self.faults.pop(0)
        self.sent.append((recipient, message))

    @property
    def ids(self) -> list[str]:
        return [str(message["Message-ID"]) for _, message in self.sent]
