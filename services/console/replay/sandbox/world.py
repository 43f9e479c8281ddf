"""The services in a sandbox: their own handlers on fresh stores, and a post that keeps all mail."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier import tables as classifier
from services.classifier.handlers import handler as classifier_handler
from services.classifier.taxonomy import Taxonomy
from services.console.hand import Hand
from services.console.line import Handlers, Outboxes, carry
from services.console.replay.sandbox.belt import Belt, Passed
from services.console.replay.sandbox.hasty import hasty_engine
from services.console.replay.sandbox.spool import Spooled
from services.console.stores import embedded_url
from services.notifier import handlers as notifier_handlers
from services.notifier import tables as notifier
from services.notifier.office import Office, Patience
from services.notifier.packing import Identity, Means
from services.notifier.plan import due
from services.notifier.run import deliver_due, sync
from services.notifier.senders import Package, Target
from services.notifier.senders.choose import CHANNELS
from services.notifier.subscription import Subscription
from services.notifier.vault import Vault
from shared.database import transaction
from shared.outbox import Outgoing
from shared.topology import CLASSIFIER, NOTIFIER

IDENTITY = Identity(
    "Carillon <carillon@sandbox.invalid>", "carillon.sandbox.invalid", "sandbox.invalid"
)
_KEY = SecretStr("the key of the sandbox: it seals what is thrown away")


@dataclass(frozen=True)
class Kept:
    """A sender that sends nothing: what it was handed lies here, by its id."""

    packages: dict[str, bytes] = field(default_factory=dict)

    @property
    def flights(self) -> int:
        """One after the other: the same order each time."""
        return 1

    async def send(self, package: Package, target: Target) -> None:
        """Keep it."""
        self.packages[package.id] = package.content

    async def rest(self) -> None:
        """Nothing is held."""

    async def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True)
class World:
    """Classifier and notifier, fed by hand; what they make of it is in their stores.

    `kept` is what was handed to the channels and nobody has taken away yet.
    """

    hand: Hand
    belt: Belt
    notifier: AsyncEngine
    office: Office
    kept: Kept
    handlers: Handlers
    outboxes: Outboxes

    async def feed(self, batch: Sequence[Spooled]) -> None:
        """Give recorded events to those who want them, and follow what comes of them to its end."""
        self.belt.positions.update({one.event_id: one.position for one in batch})
        await self.belt.publish(
            [Outgoing(one.event_id, one.type, one.routing_key, one.body) for one in batch]
        )
        await self._carry()
        self.belt.positions.clear()

    async def deliver(self) -> Collection[str]:
        """Send all digests that can be; the ids of the subscriptions whose digest waits."""
        before: Collection[str] = ()
        while True:
            sent = await deliver_due(self.notifier, self.office, self.hand)
            left = await due(self.notifier, self.hand.now)
            if not sent and left == before:
                break
            before = left
        await self._carry()
        return before

    async def subscribe(self, subscriptions: Collection[Subscription]) -> None:
        """Make these the subscriptions."""
        await sync(self.notifier, subscriptions, self.hand, self.office.means.vault)

    async def _carry(self) -> None:
        await carry(self.belt, self.outboxes, self.handlers)


@asynccontextmanager
async def opened_world(
    folder: Path, taxonomy: Taxonomy, hand: Hand, passed: Passed, background: int
) -> AsyncIterator[World]:
    """A world with empty stores under `folder`. `passed` is told every event on its way."""
    async with AsyncExitStack() as stack:
        labels = await _store(folder, "classifier", classifier.metadata, stack)
        tells = await _store(folder, "notifier", notifier.metadata, stack)
        kept = Kept()
        yield World(
            hand=hand,
            belt=Belt(passed),
            notifier=tells,
            office=_office(hand, background, kept),
            kept=kept,
            handlers=(
                (CLASSIFIER, classifier_handler(labels, taxonomy, hand)),
                (NOTIFIER, notifier_handlers.handler(tells, hand)),
            ),
            outboxes=((labels, classifier.outbox), (tells, notifier.outbox)),
        )


async def _store(
    folder: Path, service: str, tables: sa.MetaData, stack: AsyncExitStack
) -> AsyncEngine:
    """An empty store; made at once, as there is nothing in it to migrate."""
    engine = hasty_engine(embedded_url(folder, service))
    stack.push_async_callback(engine.dispose)
    async with transaction(engine) as connection:
        await connection.run_sync(tables.create_all)
    return engine


def _office(hand: Hand, background: int, kept: Kept) -> Office:
    """Without pages: a link to them would lead nowhere."""
    senders = dict.fromkeys(CHANNELS, kept)
    means = Means(vault=Vault((_KEY,)))
    return Office(senders, IDENTITY, Patience(timer=hand), background, means)
