"""What the notifier tells Prometheus: what became of hand-overs, how late news is, what waits.

Labels are channels, outcomes, cadences and topics: never a subscription, an address or an article.
"""

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.notifier.backlog import Backlog
from shared.vitals import instant

OUTCOMES = ("sent", "postponed", "unanswered", "rejected", "failed")
"""Of one hand-over: `unanswered` may have arrived and is tried again, `failed` was given up."""

CHANNELS = ("email", "slack", "webhook", "apprise", "capture")
CADENCES = ("immediate", "daily", "weekly", "monthly")

HOUR, DAY = 3600.0, 86_400.0
DELAYS = (HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, *(n * DAY for n in (1, 2, 3, 5, 8, 15, 32, 64)))
"""Bounds of the delays, in seconds; a weekly reader waits a week by his own wish."""

KEPT = 10_000
"""Digests whose delays are not looked up yet: what comes beyond is not measured."""


@dataclass(frozen=True)
class Delivered:
    """A digest that its channel has accepted: the PMIDs that it told as news, and when."""

    topic: str
    cadence: str
    pmids: tuple[int, ...]
    at: datetime


class Metrics:
    """Counters of one process, and gauges of what the store says.

    See https://prometheus.io/docs/practices/naming/ for the names.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._deliveries = Counter(
            "carillon_deliveries", "Hand-overs of digests to a channel, by what became of them",
            ["channel", "outcome"], registry=self.registry,
        )  # fmt: skip
        for channel in CHANNELS:  # so that the first of a kind is seen as one more than none
            for outcome in OUTCOMES:
                self._deliveries.labels(channel, outcome)
        self._letters = Counter(
            "carillon_letters", "Hand-overs of letters (confirmations, links)", ["outcome"],
            registry=self.registry,
        )  # fmt: skip
        for outcome in ("sent", "postponed", "failed"):
            self._letters.labels(outcome)
        self._not_cut = Counter(
            "carillon_digests_not_cut", "Digests whose cutting broke; tried again at once",
            registry=self.registry,
        )  # fmt: skip
        self._delay = Histogram(
            "carillon_entry_to_delivery_seconds",
            "From an article's entry into PubMed to the channel's acceptance of its digest",
            ["cadence"], buckets=DELAYS, registry=self.registry,
        )  # fmt: skip
        for cadence in CADENCES:
            self._delay.labels(cadence)
        self._told: deque[Delivered] = deque(maxlen=KEPT)
        self._waiting = self._gauge("carillon_waiting", "Digests and letters to be sent", "kind")
        self._waiting_since = self._gauge(
            "carillon_waiting_since_timestamp_seconds",
            "Since when the oldest of them waits; 0 if none does", "kind",
        )  # fmt: skip
        self._heard = self._gauge(
            "carillon_poll_heard_timestamp_seconds", "End of the last poll that was heard of",
            "topic",
        )  # fmt: skip
        self._late = self._gauge(
            "carillon_articles_late", "Announced over two hours ago, not arrived", "topic"
        )
        self._subscriptions = self._gauge("carillon_subscriptions", "Subscriptions", "state")
        self._held_since = Gauge(
            "carillon_sending_held_since_timestamp_seconds",
            "Since when nothing is sent, after a restore; 0 while sending is free",
            registry=self.registry,
        )

    def _gauge(self, name: str, text: str, label: str) -> Gauge:
        return Gauge(name, text, [label], registry=self.registry)

    def handed_over(self, channel: str, outcome: str) -> None:
        """Count a hand-over of a digest; `outcome` is one of `OUTCOMES`."""
        self._deliveries.labels(channel, outcome).inc()

    def letter(self, outcome: str) -> None:
        """Count a hand-over of a letter."""
        self._letters.labels(outcome).inc()

    def not_cut(self) -> None:
        """Count a digest that could not be cut for a fault of ours."""
        self._not_cut.inc()

    def delivered(self, one: Delivered) -> None:
        """Remember a digest, so that its delays are looked up later: sending never waits for it."""
        self._told.append(one)

    def unmeasured(self) -> tuple[Delivered, ...]:
        """The digests whose delays are not known yet."""
        return tuple(self._told)

    def measured(
        self, digests: Collection[Delivered], entered: Mapping[str, Mapping[int, datetime]]
    ) -> None:
        """Show the delays of these digests; `entered`: when PubMed took in what, by topic."""
        for one in digests:
            for pmid in one.pmids:
                if at := entered.get(one.topic, {}).get(pmid):
                    delay = max(0.0, (one.at - at).total_seconds())
                    self._delay.labels(one.cadence).observe(delay)
        seen = set(map(id, digests))
        self._told = deque((one for one in self._told if id(one) not in seen), maxlen=KEPT)

    def stand(self, now: Backlog) -> None:
        """Show what the store says."""
        for gauge in (self._heard, self._late):
            gauge.clear()
        for kind, waiting in now.waiting.items():
            self._waiting.labels(kind).set(waiting.count)
            self._waiting_since.labels(kind).set(instant(waiting.since))
        for topic, heard in now.heard.items():
            self._heard.labels(topic).set(instant(heard))
            self._late.labels(topic).set(now.late.get(topic, 0))
        for state, count in now.subscriptions.items():
            self._subscriptions.labels(state).set(count)
        self._held_since.set(instant(now.held_since))
