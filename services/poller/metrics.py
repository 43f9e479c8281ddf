"""What the poller tells Prometheus, on a registry of its own."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge

from services.poller.eutils import Verdict
from services.poller.legs import leg_key
from services.poller.standing import Standing
from shared.events import Leg, Poll
from shared.vitals import instant

UTILITIES = ("esearch", "esummary", "efetch", "elink", "epost")


class Metrics:
    """Counters of one process, and gauges of the topics: as the store says, or the last poll.

    See https://prometheus.io/docs/practices/naming/ for the names.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._answers = Counter(
            "carillon_ncbi_answers", "Answers of E-utilities, repeated ones too",
            ["utility", "verdict"], registry=self.registry,
        )  # fmt: skip
        for utility in UTILITIES:  # so that the first of a kind is seen as one more than none
            for verdict in Verdict:
                self._answers.labels(utility, verdict.value)
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
        self._complete = self._gauge(
            "carillon_leg_complete_until_timestamp_seconds",
            "Up to when a leg is known to be complete", "leg",
        )  # fmt: skip
        self._oldest_open = self._gauge(
            "carillon_oldest_open_timestamp_seconds",
            "Since when the longest open leg is open; 0 if none is",
        )
        self._parked = self._gauge("carillon_records_parked", "Records that were not understood")
        self._parked_since = self._gauge(
            "carillon_records_parked_since_timestamp_seconds",
            "Since when the oldest of them is there; 0 if none is",
        )
        self._windows = self._gauge(
            "carillon_backfill_windows", "Windows of the past that were asked for", "state"
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
        self._open_since.labels(topic, key).set(instant(leg.open_since))
        self._alarm.labels(topic, key).set(leg.alarm)

    def stand(self, standings: Sequence[Standing]) -> None:
        """Show how the topics stand; a leg that a topic no longer has is shown no more."""
        for gauge in (self._open_since, self._alarm, self._complete):
            gauge.clear()
        for one in standings:
            self._polled_at.labels(one.topic).set(instant(one.polled_at))
            self._next_at.labels(one.topic).set(instant(one.next_at))
            self._oldest_open.labels(one.topic).set(instant(one.open_since))
            self._parked.labels(one.topic).set(one.parked)
            self._parked_since.labels(one.topic).set(instant(one.parked_since))
            for state, count in one.windows.items():
                self._windows.labels(one.topic, state).set(count)
            for key, until in one.complete.items():
                self._complete.labels(one.topic, key).set(instant(until))
            self._legs(one)

    def _legs(self, one: Standing) -> None:
        for key in sorted(one.complete.keys() | one.open_legs.keys()):
            known = one.open_legs.get(key)
            self._open_since.labels(one.topic, key).set(instant(known.since if known else None))
            self._alarm.labels(one.topic, key).set(bool(known and known.alarmed_at))
