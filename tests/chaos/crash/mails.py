"""Mails: the delivery ledger, and letters. The mail server outlives the sender."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes
from typing import Any

import sqlalchemy as sa

from services.notifier import letters_store, tables
from shared.article import Status
from shared.database import transaction
from tests.chaos.crash.boundary import Facts
from tests.chaos.crash.lives import Given
from tests.chaos.crash.world import World
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event

MORNING = START + timedelta(days=1, hours=8)
"""The day after the first digests, an hour after the next ones are due."""

WAITED = 11
"""Minutes by which a recovery moves its clock on (`lives.delivering`): a lease, and one more."""


def taken(world: World) -> list[tuple[str, str, bytes]]:
    """What the server accepted: recipient, Message-ID, and the whole."""
    return [
        (one.recipient, str(message_from_bytes(one.content)["Message-ID"]), one.content)
        for one in world.mail.taken
    ]


class _Mails:
    """What both have in common: a mail server's log, and a clock that goes on."""

    async def stage(self, world: World) -> None:
        """Nothing: all of it is in the template."""

    def given(self, world: World, number: int) -> Given:
        """The next minute after where the life before had come to.

        A recovery begins within the lease of what was killed, and waits for its end by itself.
        """
        now = MORNING + timedelta(minutes=number and number + (number - 1) * WAITED)
        return Given(world.database, world.amqp, now, world.mail.port, is_recovery=number > 0)

    async def repeated(self, world: World) -> frozenset[str]:
        """Message-IDs that the server has accepted twice."""
        counted = Counter(name for _, name, _ in taken(world))
        return frozenset(name for name, times in counted.items() if times > 1)


def _received(world: World) -> dict[str, frozenset[Any]]:
    """How many different mails each reader has, and those that are not the same at each time."""
    names, contents = defaultdict(set), defaultdict(set)
    for recipient, name, content in taken(world):
        names[recipient].add(name)
        contents[name].add(content)
    return {
        "mails": frozenset((who, len(found)) for who, found in names.items()),
        "mails that came again otherwise": frozenset(
            name for name, found in contents.items() if len(found) > 1
        ),
    }


@dataclass
class DeliveryLedger(_Mails):
    """Digests of two articles and a retraction to two readers; one of them is told at once.

    A third one has not confirmed. Both were sent the retracted paper the day before.
    """

    name: str = "delivery ledger"

    async def fill(self, world: World) -> None:
        """Yesterday's digests, and what came in the night."""
        desk = Desk(world.engine)
        await desk.subscribe(
            a_subscription(id="a"),
            a_subscription(id="b", notices="at-once"),
            a_subscription(id="nobody", confirmed_at=None),
        )
        evening, night = START + timedelta(hours=6), START + timedelta(hours=20)
        await desk.receive(an_article_event(1, evening), a_poll_event(evening, announced=1))
        await desk.at(8)
        again: dict[str, Any] = {"poll": "p2", "revision": 2, "status": Status.RETRACTED}
        await desk.receive(
            an_article_event(2, night, poll="p2"),
            an_article_event(3, night, poll="p2"),
            an_article_event(1, night, **again).model_copy(update={"id": "0" * 36}),
            a_poll_event(night, poll="p2", announced=3).model_copy(update={"id": "1" * 36}),
        )

    async def facts(self, world: World) -> Facts:
        """Each article and notice told once to each reader, as the ledger and the server say."""
        ledger = [
            (row.subscription_id, row.pmid, row.kind, row.delivered_at is not None)
            for row in await world.rows(sa.select(tables.ledger))
        ]
        digests = [
            (row.subscription_id, row.kind, row.state)
            for row in await world.rows(sa.select(tables.digests))
        ]
        events = await world.rows(sa.select(tables.outbox.c.event_id))
        return {
            "ledger": frozenset(Counter(ledger).items()),
            "digests": frozenset(Counter(digests).items()),
            "events to send": frozenset({len({row.event_id for row in events})}),
            **_received(world),
        }

    async def may_repeat(self, world: World) -> frozenset[str]:
        """What the server has and no row says that it was sent: the one ambiguous case."""
        rows = await world.rows(sa.select(tables.digests).where(tables.digests.c.state == "sent"))
        recorded = {row.message_id for row in rows}
        return frozenset(name for _, name, _ in taken(world)) - recorded

    async def faults(self, world: World, undisturbed: Facts) -> list[str]:
        """A mail without an intent on record; a digest that is sent, and the server has it not."""
        rows = await world.rows(sa.select(tables.digests))
        states = {row.id: row.state for row in rows}
        names = {name for _, name, _ in taken(world)}
        yesterday = START + timedelta(hours=8)
        return [
            f"accepted without an intent: {name}"
            for name in names
            if name.strip("<>").partition("@")[0].rpartition(".")[2] not in states
        ] + [
            f"on record as sent, and never accepted: {row.id}"
            for row in rows
            if row.state == "sent" and row.sent_at > yesterday and row.message_id not in names
        ]


@dataclass
class Letters(_Mails):
    """Two letters, each to be sent once: a question to confirm, and a link to manage."""

    name: str = "letters"

    async def fill(self, world: World) -> None:
        """They wait."""
        about = {"topic": "car-autoimmune"}
        async with transaction(world.engine) as connection:
            await letters_store.queue(connection, "confirm", "x@example.org", MORNING, "s-x", about)
            await letters_store.queue(connection, "manage", "y@example.org", MORNING, "s-y", about)

    async def facts(self, world: World) -> Facts:
        """Each sent, and its address forgotten."""
        rows = await world.rows(sa.select(tables.letters))
        letters = ((row.kind, row.state, row.address) for row in rows)
        return {"letters": frozenset(letters), **_received(world)}

    async def may_repeat(self, world: World) -> frozenset[str]:
        """What the server has and no row says that it was sent."""
        rows = await world.rows(sa.select(tables.letters).where(tables.letters.c.state == "sent"))
        recorded = {row.id for row in rows}
        names = {name for _, name, _ in taken(world)}
        return frozenset(name for name in names if not any(one in name for one in recorded))

    async def faults(self, world: World, undisturbed: Facts) -> list[str]:
        """A letter that is sent, and the server has it not."""
        rows = await world.rows(sa.select(tables.letters).where(tables.letters.c.state == "sent"))
        names = " ".join(name for _, name, _ in taken(world))
        return [f"on record as sent, and never accepted: {r.id}" for r in rows if r.id not in names]
