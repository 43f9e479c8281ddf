"""Every exchange, queue and binding, in one place. Names only: `shared.broker` declares them.

events (topic) ──▶ classifier ──(rejected)──▶ classifier.dead ──▶ classifier.parked
│               ▲  └──(a copy)──▶ classifier.own ──▶ classifier.suspects, classifier.parked,
│               └─────(message TTL, then back)────── classifier.retry.1 .. n
└──▶ notifier      (the same)
archive (topic) ──▶ archive   (stream: every event, for replay)

Only consumers are bound to `events`: so a consumer that is not bound is an event without a queue,
and its publish an error. What else wants to listen binds to the archive's exchange.
"""

from dataclasses import dataclass
from datetime import timedelta

EXCHANGE = "carillon.events"
ARCHIVE = "carillon.archive"
ARCHIVE_EXCHANGE = "carillon.archive.in"
ARCHIVE_BINDINGS = ("article.*", "poll.*", "digest.*", "parked.*", "replay.*")
ARCHIVE_ARGUMENTS: dict[str, str | int] = {
    "x-queue-type": "stream",
    "x-max-age": "365D",
    "x-stream-max-segment-size-bytes": 100_000_000,
}

RETRY_DELAYS = (
    timedelta(seconds=1),
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
)
"""Waits after the first, second ... failed attempt; after the last one the message is parked.

One queue per wait: per-message TTL in a single queue would block at its head.
"""

SUSPECT_AFTER = 3
"""Deliveries without an answer (a crash, a lost connection) before a message is handled alone."""

KILLER_AFTER = 3
"""Deliveries without an answer, handled alone, before a message is parked as the cause."""

DELIVERY_LIMIT = 10
"""Deliveries without an answer before the broker itself parks a message: the last resort."""


@dataclass(frozen=True)
class ConsumerQueue:
    """The one queue of a consumer, with the routing keys it wants."""

    name: str
    bindings: tuple[str, ...]

    @property
    def dead_exchange(self) -> str:
        """Where the broker sends what is rejected or delivered too often."""
        return f"{self.name}.dead"

    @property
    def own_exchange(self) -> str:
        """By which its consumer puts copies into its own queues, and into nobody else's.

        The default exchange reaches every queue, so a right to use it would be one for all.
        """
        return f"{self.name}.own"

    @property
    def parked(self) -> str:
        """Where a message waits for a person, with the reason in its headers."""
        return f"{self.name}.parked"

    @property
    def suspects(self) -> str:
        """Where messages are handled one at a time, since one of them may kill its process."""
        return f"{self.name}.suspects"

    def retry(self, attempt: int) -> str:
        """The delay queue after failed attempt `attempt`, counted from 1."""
        return f"{self.name}.retry.{attempt}"

    @property
    def for_copies(self) -> tuple[str, ...]:
        """The queues bound to `own_exchange`, each by its name."""
        attempts = range(1, len(RETRY_DELAYS) + 1)
        return (self.suspects, self.parked, *map(self.retry, attempts))


CLASSIFIER = ConsumerQueue("classifier", ("article.discovered", "article.revised"))
NOTIFIER = ConsumerQueue("notifier", ("article.classified", "poll.completed", "replay.finished"))
CONSUMERS = (CLASSIFIER, NOTIFIER)


def wanted(routing_key: str) -> bool:
    """Whether a consumer of ours must get the events of this key."""
    return any(routing_key in queue.bindings for queue in CONSUMERS)


def archived(routing_key: str) -> bool:
    """Whether the archive has a place for the events of this key."""
    return f"{routing_key.split('.', maxsplit=1)[0]}.*" in ARCHIVE_BINDINGS


def work_arguments(queue: ConsumerQueue) -> dict[str, str | int]:
    """Arguments of a work queue, and of its queue of suspects.

    At-least-once dead-lettering needs `reject-publish`; with the default overflow it falls back
    to at-most-once in silence (https://www.rabbitmq.com/docs/quorum-queues#dead-lettering).
    """
    return {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": queue.dead_exchange,
        "x-dead-letter-routing-key": queue.parked,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
        "x-delivery-limit": DELIVERY_LIMIT,
    }


def retry_arguments(queue: ConsumerQueue, delay: timedelta) -> dict[str, str | int]:
    """Arguments of a delay queue: what is in it goes back to the work queue after `delay`."""
    return {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue.name,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
        "x-message-ttl": int(delay.total_seconds() * 1000),
    }


PARKED_ARGUMENTS: dict[str, str | int] = {"x-queue-type": "quorum", "x-delivery-limit": -1}
"""Parking keeps everything: no limit, no expiry."""
