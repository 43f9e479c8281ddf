"""What the poller counts for Prometheus, on a registry of its own."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from services.poller.eutils import Verdict
from services.poller.legs import leg_key
from shared.events import Leg, Poll


class Metrics:
    """Counters and gauges of one process; gauges show the last poll of each topic.

    See https://prometheus.io/docs/practices/naming/ for the names.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._answers = Counter(
            "carillon_ncbi_answers", "Answers of E-utilities, repeated ones too",
            ["utility", "verdict"], registry=self.registry,
        )  # fmt: skip
        self._polls = Counter(
            "carillon_polls", "Polls that ended", ["topic", "healthy"], registry=self.registry
        )
        self._announced = Counter(
            "carillon_articles_announced", "Articles discovered or revised", ["topic"],
            registry=self.registry,
        )  # fmt: skip
        self._polled_at = self._gauge("carillon_poll_finished_timestamp_seconds", "Last poll's end")
        self._next_at = self._gauge("carillon_poll_next_timestamp_seconds", "Next poll's due time")
        self._open_since = self._gauge(
            "carillon_leg_open_since_timestamp_seconds", "Since when a leg is open; 0 if it is not",
            "leg",
        )  # fmt: skip
        self._alarm = self._gauge(
            "carillon_leg_alarm", "1 while a leg is open past the topic's limit", "leg"
        )

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, ["topic", *labels], registry=self.registry)

    def answered(self, utility: str, verdict: Verdict) -> None:
        """Count an answer of NCBI."""
        self._answers.labels(utility, verdict.value).inc()

    def polled(self, poll: Poll) -> None:
        """Count a poll, and show where its legs stand."""
        self._polls.labels(poll.topic, str(poll.healthy).lower()).inc()
        self._announced.labels(poll.topic).inc(poll.announced)
        self._polled_at.labels(poll.topic).set(poll.finished_at.timestamp())
        if poll.next_at:
            self._next_at.labels(poll.topic).set(poll.next_at.timestamp())
        for leg in poll.legs:
            self._leg(poll.topic, leg)

    def _leg(self, topic: str, leg: Leg) -> None:
        key = leg_key(leg.relation, leg.name)
        since = leg.open_since.timestamp() if leg.open_since else 0
        self._open_since.labels(topic, key).set(since)
        self._alarm.labels(topic, key).set(leg.alarm)
