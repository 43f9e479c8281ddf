"""Every exchange, queue and binding, in one place. Names only: `shared.broker` declares them.

events (topic) ──▶ classifier ──(rejected)──▶ classifier.dead ──▶ classifier.parked
│               ▲
│               └── classifier.retry.1 .. n   (message TTL, then back to the queue)
├──▶ notifier      (the same)
└──▶ archive       (stream: every event, for replay)
"""

from dataclasses import dataclass
from datetime import timedelta

EXCHANGE = "carillon.events"
ARCHIVE = "carillon.archive"
ARCHIVE_BINDINGS = ("article.*", "poll.*", "digest.*")
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

DELIVERY_LIMIT = 10
"""Deliveries without an answer (a crash, a lost connection) before the broker parks a message."""


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
    def parked(self) -> str:
        """Where a message waits for a person, with the reason in its headers."""
        return f"{self.name}.parked"

    def retry(self, attempt: int) -> str:
        """The delay queue after failed attempt `attempt`, counted from 1."""
        return f"{self.name}.retry.{attempt}"


CLASSIFIER = ConsumerQueue("classifier", ("article.discovered", "article.revised"))
NOTIFIER = ConsumerQueue("notifier", ("article.classified", "poll.completed"))
CONSUMERS = (CLASSIFIER, NOTIFIER)


def work_arguments(queue: ConsumerQueue) -> dict[str, str | int]:
    """Arguments of a work queue.

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
