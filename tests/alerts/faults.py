"""Faults, as each shows itself in the numbers, and the alerts that they set off."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.alerts.healthy import DAY, HOUR, Series

Change = Callable[[Series], Series]


@dataclass(frozen=True)
class Fault:
    """What is wrong from the second hour of a healthy day on, for so many hours.

    `changes` are by a part of a series' name: what it becomes of what it was. `fires` are all the
    alerts that fire at the end of it; `over` hours later none of them does any more.
    """

    name: str
    fires: tuple[str, ...]
    changes: Mapping[str, Change]
    hours: float = 4
    over: float = 2


BEGIN = 2 * HOUR


def stays(value: float | None) -> Change:
    """Another value, or none at all."""
    return lambda _: lambda _t: value


def stops() -> Change:
    """What it was when the fault began, for as long as it lasts."""
    return lambda was: lambda _: was(BEGIN)


def since_long(ago: float) -> Change:
    """An instant so many seconds before the fault."""
    return stays(BEGIN - ago)


def grows(per_hour: float) -> Change:
    """A counter that grows as long as the fault lasts; it keeps what it had."""
    return lambda was: lambda t: (was(t) or 0) + int((t - BEGIN) * per_hour / HOUR)


FAULTS = (
    Fault(
        "the classifier is killed and does not come back",
        ("CarillonServiceDown",),
        {'up{job="classifier"': stays(0)},
    ),
    Fault(
        "the notifier's container is gone, and its name with it",
        ("CarillonServiceDown",),
        {'up{job="notifier"': stays(None)},
    ),
    Fault(
        "PostgreSQL takes no writes",
        ("CarillonNotReady",),
        {'check="database"': stays(0)},
    ),
    Fault(
        "the standby that each commit waits for is gone",
        ("CarillonOutboxStuck", "CarillonStandbyAway", "CarillonStepFails"),
        {
            "carillon_standbys_following": stays(0),
            "carillon_outbox_oldest": since_long(0),
            'step="relay"': stops(),
        },
    ),
    Fault(
        "the database has gone on without its standby",
        ("CarillonOneDisk",),
        {
            "carillon_standbys_wanted": stays(0),
            "carillon_standbys_following": stays(0),
        },
    ),
    Fault(
        "the broker is blocked by its disk alarm",
        ("CarillonNotReady", "CarillonOutboxStuck", "CarillonStepFails"),
        {
            'check="broker"': stays(0),
            "carillon_outbox_oldest": since_long(0),
            'step="relay"': stops(),
        },
    ),
    Fault(
        "a service is killed by its memory limit again and again",
        ("CarillonRestarts",),
        {'process_start_time_seconds{job="notifier"': lambda _: lambda t: t // 400 * 400},
    ),
    Fault(
        "a bug ends the step that delivers, each time",
        ("CarillonStepFails",),
        {'step="deliver"': stops()},
    ),
    Fault(
        "the poller hangs",
        ("CarillonPollerSilent",),
        {"carillon_poll_next": stops(), "carillon_poll_finished": stops()},
    ),
    Fault(
        "a new topic is never polled",
        ("CarillonTopicNeverPolled",),
        {"carillon_poll_finished": stays(0)},
    ),
    Fault(
        "NCBI's esearch is out of order for more than a day",
        ("CarillonNcbiFails", "CarillonRelationOpen"),
        {
            'carillon_leg_alarm{job="poller",instance="poller:8080",topic="car-autoimmune",'
            'leg="query:core"}': stays(1),
            'utility="esearch",verdict="transient"': grows(600),
        },
    ),
    Fault(
        "a leg is neither open nor complete, for a bug",
        ("CarillonCoverageLags",),
        {
            'carillon_leg_complete_until_timestamp_seconds{job="poller",instance="poller:8080",'
            'topic="car-autoimmune",leg="query:core"}': since_long(3 * DAY)
        },
    ),
    Fault(
        "NCBI refuses the API key",
        ("CarillonNcbiRefuses",),
        {'utility="efetch",verdict="permanent"': grows(12)},
    ),
    Fault(
        "NCBI throttles nearly every answer",
        ("CarillonNcbiFails",),
        {'verdict="throttled"': grows(600)},
    ),
    Fault(
        "PubMed sends a record that nobody can read",
        ("CarillonRecordsNotUnderstood",),
        {"carillon_records_parked_since": stays(60), "carillon_records_parked{": stays(1)},
        hours=3 * 24 + 2,
    ),
    Fault(
        "the poller's events are not published",
        ("CarillonOutboxStuck",),
        {'carillon_outbox_oldest_timestamp_seconds{job="poller"': since_long(0)},
    ),
    Fault(
        "a message is parked",
        ("CarillonMessagesParked",),
        {'carillon_parked_messages{job="classifier"': stays(1)},
    ),
    Fault(
        "a consumer has lost its subscription to its queue",
        ("CarillonQueueBehind", "CarillonQueueUnread"),
        {
            'carillon_queue_consumers{job="notifier"': stays(0),
            'consumer="notifier",part="work"': stays(70),
        },
    ),
    Fault(
        "the opinion's endpoint is away, and messages are tried again and again",
        ("CarillonQueueBehind",),
        {'consumer="classifier",part="retry"': stays(4)},
    ),
    Fault(
        "an operator has purged the classifier's queue",
        ("CarillonArticlesNotArrived",),
        {"carillon_articles_late": stays(12)},
    ),
    Fault(
        "the notifier's binding is gone",
        ("CarillonPollsNotHeard",),
        {"carillon_poll_heard": stops()},
    ),
    Fault(
        "the notifier has never heard of the topic",
        ("CarillonPollsNotHeard",),
        {"carillon_poll_heard": stays(None)},
    ),
    Fault(
        "a taxonomy matches nothing any more",
        ("CarillonLabelsGone",),
        {'facet="modality"': stops()},
        hours=30,
        over=25,
    ),
    Fault(
        "the mail server refuses the password",
        ("CarillonMailWaits", "CarillonNothingLeaves"),
        {
            'channel="email",outcome="postponed"': grows(200),
            'carillon_waiting_since_timestamp_seconds{job="notifier",instance="notifier:8080",'
            'kind="digest"': since_long(0),
            'outcome="sent"': stops(),
        },
    ),
    Fault(
        "a confirmation does not leave",
        ("CarillonMailWaits",),
        {'kind="letter"': since_long(0)},
    ),
    Fault(
        "after a restore nobody decides what counts as told",
        ("CarillonSendingHeld",),
        {
            "carillon_sending_held_since": since_long(0),
            'carillon_waiting_since_timestamp_seconds{job="notifier",instance="notifier:8080",'
            'kind="digest"': since_long(10 * HOUR),  # cut before the backup
        },
        hours=7,
    ),
    Fault(
        "a digest is given up after 21 hours",
        ("CarillonDigestsGivenUp",),
        {'channel="slack",outcome="failed"': grows(1)},
    ),
    Fault(
        "mailboxes that no longer exist",
        ("CarillonReadersRejected",),
        {'channel="email",outcome="rejected"': grows(2)},
    ),
    Fault(
        "an article breaks the making of digests",
        ("CarillonDigestsNotCut",),
        {"carillon_digests_not_cut": grows(3600)},
    ),
    Fault(
        "an upgrade cannot read a subscription",
        ("CarillonSubscriptionUnreadable",),
        {'state="unreadable"': stays(2)},
    ),
    Fault(
        "the subscriptions file was emptied",
        ("CarillonNobodySubscribed",),
        {'state="active"': stays(0)},
    ),
    Fault(
        "news is found long after its entry",
        ("CarillonNewsLate",),
        {
            'count{job="notifier",instance="notifier:8080",cadence="daily"': grows(500),
            'cadence="daily",le=': lambda was: was,
        },
        over=25,
    ),
)


def afflicted(fault: Fault, healthy: Mapping[str, Series]) -> dict[str, Series]:
    """The healthy day with the fault in it."""
    return {name: _changed(fault, name, was) for name, was in healthy.items()}


def _changed(fault: Fault, name: str, was: Series) -> Series:
    for part, change in fault.changes.items():
        if part in name:
            return _for_a_while(was, change(was), int(fault.hours * HOUR), name)
    return was


def _for_a_while(was: Series, ill: Series, seconds: int, name: str) -> Series:
    """Ill for so long; a counter keeps afterwards what it had counted too many."""
    counts = "_total{" in name or "_count{" in name

    def value(t: int) -> float | None:
        if t < BEGIN:
            return was(t)
        if t < BEGIN + seconds:
            return ill(t)
        if not counts:
            return was(t)
        end = BEGIN + seconds
        return (was(t) or 0) + (ill(end) or 0) - (was(end) or 0)

    return value
