"""Two notifiers on one database, driven a step at a time; they may die between any two."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, Literal

from services.notifier import claims
from services.notifier.delivery import Way, hand_over
from services.notifier.office import Desk, Office, Patience
from services.notifier.parcels import Parcel, claimed
from services.notifier.recorder import Recorder, writers
from services.notifier.run import cut_due, deliver_due
from services.notifier.senders import AnswerLost, Package, RecipientRejected, Target
from shared.database import transaction
from shared.errors import Permanent, Retryable
from tests.fakes import FakeClock
from tests.model.ground import Killed, Store
from tests.unit.notifier.kit import IDENTITY

Answer = Literal["taken", "later", "later-by-hours", "never", "rejected", "taken-lost", "lost"]
"""`taken-lost` and `lost`: no answer came, and the message is there, or is not."""

FAULTS: dict[str, Exception] = {
    "later": Retryable("not now"),
    "later-by-hours": Retryable("not now", retry_after=timedelta(hours=5)),
    "never": Permanent("this message will never be taken"),
    "rejected": RecipientRejected("no such mailbox"),
    "taken-lost": AnswerLost("no answer came"),
    "lost": AnswerLost("no answer came"),
}


@dataclass
class Mailbox:
    """What was taken by whoever receives: address and mail, in order."""

    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)

    def take(self, package: Package, target: Target) -> None:
        mail = message_from_bytes(package.content, policy=SMTP)
        self.mails.append((target.address, mail))


@dataclass(eq=False)
class Hand:
    """A sender that waits for its answer; without a `gate` it has been given it before."""

    mailbox: Mailbox
    answer: Answer = "taken"
    is_dead: bool = False
    is_asked: asyncio.Event = field(default_factory=asyncio.Event)
    gate: "asyncio.Event | None" = None

    @property
    def flights(self) -> int:
        return 2

    async def send(self, package: Package, target: Target) -> None:
        self.is_asked.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.is_dead:
            raise Killed
        if self.answer in {"taken", "taken-lost"}:
            self.mailbox.take(package, target)
        if self.answer in FAULTS:
            raise FAULTS[self.answer]

    async def rest(self) -> None:
        """Nothing is held."""

    async def close(self) -> None:
        """Nothing is held."""


@dataclass(eq=False)
class Flight:
    """A hand-over that waits for the other side's answer."""

    parcel: Parcel
    hand: Hand
    task: "asyncio.Task[bool]"


@dataclass(eq=False)
class Notifier:
    """One process: what it holds dies with it. Its clock is off by `skew`."""

    store: Store
    clock: FakeClock
    mailbox: Mailbox
    skew: timedelta = timedelta()
    held: list[Parcel] = field(default_factory=list)
    flights: list[Flight] = field(default_factory=list)

    def now(self) -> datetime:
        return self.clock.now + self.skew

    def desk(self, hand: Hand) -> Desk:
        office = Office({"email": hand}, IDENTITY, Patience(timer=self.now))
        return Desk(self.store.engine, office, self.now)

    async def plan(self) -> None:
        await cut_due(self.desk(Hand(self.mailbox)))

    async def claim(self, number: int) -> list[Parcel]:
        desk = self.desk(Hand(self.mailbox))
        async with transaction(self.store.engine) as connection:
            found = await claims.waiting(connection, desk.office.patience.turn())
        parcels = await claimed(desk, [one.digest_id for one in found[:number]])
        self.held += parcels
        return parcels

    async def start(self, parcel: Parcel) -> None:
        """Begin a hand-over: until the other side is asked, or to its end."""
        self.held.remove(parcel)
        hand = Hand(self.mailbox, gate=asyncio.Event())
        recorder = Recorder(self.store.engine, self.now, (), writers(self.store.engine))
        way = Way(asyncio.Semaphore(4), recorder)
        task = asyncio.create_task(hand_over(self.desk(hand), parcel, way))
        asked = asyncio.create_task(hand.is_asked.wait())
        await asyncio.wait({task, asked}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if task.done():
            task.result()
        else:
            self.flights.append(Flight(parcel, hand, task))

    async def answer(self, flight: Flight, answer: Answer) -> None:
        self.flights.remove(flight)
        flight.hand.answer = answer
        assert flight.hand.gate is not None
        flight.hand.gate.set()
        await self._or_dead(flight.task)

    async def whole_pass(self, answer: Answer) -> None:
        hand = Hand(self.mailbox, answer)
        work = deliver_due(self.store.engine, self.desk(hand).office, self.now)
        await self._or_dead(asyncio.create_task(work), hand)

    async def _or_dead(self, task: "asyncio.Task[Any]", hand: Hand | None = None) -> None:
        """Until it is done; what a dead process has begun ends without another commit."""
        before = asyncio.all_tasks() - {task}
        while not task.done() and not self.store.fate.is_dead:
            await asyncio.wait({task}, timeout=0.02)
        if self.store.fate.is_dead:
            if hand:
                hand.is_dead = True
            await _cancelled({task})
            await asyncio.gather(*(asyncio.all_tasks() - before), return_exceptions=True)
        elif not task.cancelled():
            task.result()

    async def die(self) -> None:
        for flight in self.flights:
            flight.hand.is_dead = True
        await _cancelled({flight.task for flight in self.flights})
        self.flights.clear()
        self.held.clear()


async def _cancelled(tasks: "set[asyncio.Task[Any]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
