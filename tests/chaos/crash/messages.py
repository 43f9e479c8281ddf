"""The boundaries of messages: the outbox's relay, and the inboxes of classifier and notifier."""

from collections import Counter
from dataclasses import dataclass, field

import sqlalchemy as sa

from services.classifier import tables as classifier
from services.notifier import tables as notifier
from services.poller import tables as poller
from shared.database import transaction
from shared.events import CloudEvent
from shared.outbox import Outgoing, add_all
from shared.topology import CLASSIFIER, NOTIFIER, ConsumerQueue
from tests.builders import NOON, an_article, classified, discovered, poll_completed, revised
from tests.chaos.crash.boundary import Facts
from tests.chaos.crash.lives import Given
from tests.chaos.crash.world import World

POISON = Outgoing("poison", "x", "article.discovered", b"\xff")
UNWANTED = "00000000-0000-5000-8000-00000000dead"


def outgoing(event: CloudEvent) -> Outgoing:
    """An event as it lies in an outbox."""
    return Outgoing(event.id, getattr(event, "type"), event.ROUTING_KEY, event.encode())  # noqa: B009


def _twice(counted: Counter[str]) -> frozenset[str]:
    return frozenset(name for name, times in counted.items() if times > 1)


@dataclass
class _Messages:
    """What all of them have in common: nothing in the template, and a clock that goes on."""

    name: str

    async def fill(self, world: World) -> None:
        """Nothing."""

    async def stage(self, world: World) -> None:
        """Nothing."""

    def given(self, world: World, number: int) -> Given:
        """The next minute."""
        return Given(
            world.database, world.amqp, NOON.replace(minute=number), is_recovery=number > 0
        )

    async def faults(self, world: World, undisturbed: Facts) -> list[str]:
        """Nothing that could be seen between two lives."""
        return []


@dataclass
class Relay(_Messages):
    """The poller's outbox, with one event that no queue wants, on its way to the broker."""

    name: str = "relay"
    _seen: Counter[str] = field(default_factory=Counter)

    async def fill(self, world: World) -> None:
        """Four articles, a poll, and what cannot be routed."""
        found = [discovered(article=an_article(pmid=1000 + n)) for n in range(4)]
        async with transaction(world.engine) as connection:
            await add_all(connection, poller.outbox, found[:2], NOON)
            await connection.execute(
                poller.outbox.insert().values(
                    event_id=UNWANTED, type="x", routing_key="nobody.wants", body=b"{}",
                    created_at=NOON,
                )
            )  # fmt: skip
            await add_all(connection, poller.outbox, [*found[2:], poll_completed()], NOON)

    async def stage(self, world: World) -> None:
        """An empty archive."""
        await world.new_archive()

    async def facts(self, world: World) -> Facts:
        """Each event in the archive and with its consumer; only the unwanted one is left."""
        archive = await world.archived()
        queues = [await world.drained(queue.name) for queue in (CLASSIFIER, NOTIFIER)]
        self._seen = archive | queues[0] | queues[1]
        if not archive:  # then each end would be like the undisturbed one, and show nothing
            raise AssertionError("relay: nothing has come to the archive")
        return {
            "archived": frozenset(archive),
            "with the classifier": frozenset(queues[0]),
            "with the notifier": frozenset(queues[1]),
            "left in the outbox": await _left(world, poller.outbox),
        }

    async def repeated(self, world: World) -> frozenset[str]:
        """Events published twice."""
        return _twice(self._seen)

    async def may_repeat(self, world: World) -> frozenset[str]:
        """What the outbox still has."""
        return await _left(world, poller.outbox)


async def _left(world: World, outbox: sa.Table) -> frozenset[str]:
    return frozenset(row.event_id for row in await world.rows(sa.select(outbox.c.event_id)))


@dataclass
class Inbox(_Messages):
    """Events in a consumer's queue, one of them twice and one that nobody can read."""

    name: str
    queue: ConsumerQueue
    events: tuple[Outgoing, ...]
    _parked: Counter[str] = field(default_factory=Counter)

    async def stage(self, world: World) -> None:
        """Put them there."""
        await world.publish(*self.events)

    async def facts(self, world: World) -> Facts:
        """Each effect once, in the last revision; the unreadable one parked; no message left."""
        self._parked = await world.drained(self.queue.parked)
        names = (self.queue.name, self.queue.retry(1), self.queue.retry(2))
        left = [await world.drained(name) for name in names]
        return {
            "parked": frozenset(self._parked),
            "left in the queues": frozenset().union(*left),
            **await _effects(world),
        }

    async def repeated(self, world: World) -> frozenset[str]:
        """Messages parked twice."""
        return _twice(self._parked)

    async def may_repeat(self, world: World) -> frozenset[str]:
        """What is parked is parked again if the process died before it acknowledged it."""
        return frozenset({POISON.event_id})


async def _effects(world: World) -> dict[str, frozenset[object]]:
    """The rows of both consumers: those of the other one are none."""
    wanted: dict[str, tuple[sa.Table, tuple[str, ...]]] = {
        "the classifier's inbox": (classifier.inbox, ("event_id", "handler")),
        "classifications": (classifier.classifications, ("pmid", "revision", "event_id")),
        "events to send": (classifier.outbox, ("event_id", "routing_key")),
        "the notifier's inbox": (notifier.inbox, ("event_id", "handler")),
        "articles": (notifier.articles, ("pmid", "revision", "status")),
        "cards": (notifier.cards, ("pmid", "revision", "status")),
        "received": (notifier.received, ("poll_id", "pmid")),
        "revisions": (notifier.revisions, ("event_id", "revision")),
        "polls": (notifier.polls, ("poll_id", "announced")),
    }
    found: dict[str, frozenset[object]] = {}
    for name, (table, columns) in wanted.items():
        rows = await world.rows(sa.select(*(table.c[column] for column in columns)))
        found[name] = frozenset(Counter(tuple(row) for row in rows).items())
    return found


def _papers(make: object, *numbers: int) -> list[Outgoing]:
    return [outgoing(make(article=an_article(pmid=number))) for number in numbers]  # type: ignore[operator]


def classifier_inbox() -> Inbox:
    """Two articles, a revision of one of them, and the other one delivered again."""
    found = _papers(discovered, 1, 2)
    newer = outgoing(revised(article=an_article(pmid=1, title="CAR-T cells in lupus, revised")))
    return Inbox("inbox of the classifier", CLASSIFIER, (*found, newer, found[1], POISON))


def notifier_inbox() -> Inbox:
    """Two articles: of one the newer revision comes first, the other comes again; and a poll."""
    one, two = _papers(classified, 1, 2)
    newer = outgoing(classified(article=an_article(pmid=1, status="retracted"), revision=2))
    poison = Outgoing(POISON.event_id, "x", "article.classified", POISON.body)
    events = (newer, one, two, two, outgoing(poll_completed(announced=2)), poison)
    return Inbox("inbox of the notifier", NOTIFIER, events)


def retry() -> Inbox:
    """An article that the classifier cannot handle at the first attempt."""
    return Inbox("retry", CLASSIFIER, tuple(_papers(discovered, 1)))
