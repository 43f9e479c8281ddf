"""Fakes for interfaces we own; they record outcomes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

from services.notifier.senders import Package, Target
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
    """Takes every package; before that it meets the faults it was given, one a package.

    `sent` has the mails among them, with their recipients, and `taken` all packages.
    """

    faults: list[Exception] = field(default_factory=list)
    sent: list[tuple[str, EmailMessage]] = field(default_factory=list)
    taken: list[tuple[Target, Package]] = field(default_factory=list)

    @property
    def flights(self) -> int:
        return 4

    async def send(self, package: Package, target: Target) -> None:
        await asyncio.sleep(0)
        if self.faults:
            raise self.faults.pop(0)
        self.take(package, target)

    def take(self, package: Package, target: Target) -> None:
        self.taken.append((target, package))
        if not package.content.startswith(b"{"):
            mail = message_from_bytes(package.content, policy=SMTP)
            self.sent.append((target.address, mail))

    async def rest(self) -> None:
        """Nothing is held."""

    async def close(self) -> None:
        """Nothing is held."""

    @property
    def ids(self) -> list[str]:
        return [str(message["Message-ID"]) for _, message in self.sent]
