"""An ordinary day as Prometheus sees it: with an outage of NCBI, a slow mail server, and a restart.

Each series is a function of the second of the day; None is a scrape without it. Every name and
label here is one that a service really has (`tests/alerts/test_names.py`).
"""

from collections.abc import Callable, Mapping

Series = Callable[[int], float | None]

HOUR, DAY = 3600, 86_400
TOPIC = 'topic="car-autoimmune"'
SERVICES = ("poller", "classifier", "notifier")
CONSUMERS = ("classifier", "notifier")


def always(value: float) -> Series:
    return lambda _: value


def between(start: float, end: float, then: Series, otherwise: Series) -> Series:
    """`then` from one hour of the day to another, else `otherwise`."""
    return lambda t: then(t) if start * HOUR <= t < end * HOUR else otherwise(t)


def growing(per_hour: float) -> Series:
    """A counter."""
    return lambda t: float(int(t * per_hour / HOUR))


def at_hour(hour: float, more: float) -> Series:
    """A counter that grows once in the day."""
    return lambda t: more if t >= hour * HOUR else 0


def last(every: int, after: int = 0) -> Series:
    """The instant when something that is done every so many seconds was last done."""
    return lambda t: float((t - after) // every * every + after)


def _of_services() -> dict[str, Series]:
    series: dict[str, Series] = {}
    steps = {
        "poller": ("relay", "topology", "outbox", "standbys", "poll", "standing"),
        "classifier": ("relay", "topology", "outbox", "standbys", "parking", "queue", "tidy"),
        "notifier": (
            "relay", "topology", "outbox", "standbys", "parking", "queue", "tidy", "index",
            "deliver", "letters", "replays", "standing",
        ),
    }  # fmt: skip
    for job in SERVICES:
        here = f'job="{job}",instance="{job}:8080"'
        series[f"up{{{here}}}"] = always(1)
        series[f"process_start_time_seconds{{{here}}}"] = between(
            0, 11, always(-HOUR), always(11 * HOUR)
        )
        for check in ("database", "broker"):
            series[f'carillon_ready{{{here},check="{check}"}}'] = always(1)
        for step in steps[job]:
            ended = last(DAY, 60) if step == "poll" else last(600 if step == "tidy" else 60)
            name = "carillon_step_succeeded_timestamp_seconds"
            series[f'{name}{{{here},step="{step}"}}'] = ended
        busy: Series = lambda t: t - 20 if t // 60 % 7 == 0 else 0  # noqa: E731
        series[f"carillon_outbox_oldest_timestamp_seconds{{{here}}}"] = busy
        series[f"carillon_standbys_wanted{{{here}}}"] = always(1)
        series[f"carillon_standbys_named{{{here}}}"] = always(1)
        # It is started anew, within some minutes.
        series[f"carillon_standbys_following{{{here}}}"] = between(15, 15.05, always(0), always(1))
        series[f"carillon_outbox_events{{{here}}}"] = lambda t: 3 if t // 60 % 7 == 0 else 0
    return series


def _next_poll(t: int) -> float:
    return (t - 120) // HOUR * HOUR + 120 + HOUR


def _of_poller() -> dict[str, Series]:
    here = f'job="poller",instance="poller:8080",{TOPIC}'
    series: dict[str, Series] = {
        f"carillon_poll_finished_timestamp_seconds{{{here}}}": last(HOUR, 120),
        f"carillon_poll_next_timestamp_seconds{{{here}}}": _next_poll,
        f"carillon_records_parked{{{here}}}": between(8, 12, always(1), always(0)),
        f"carillon_records_parked_since_timestamp_seconds{{{here}}}": between(
            8, 12, always(8 * HOUR), always(0)
        ),
    }
    legs = ("query:core", "query:core (entry date)", "query:core (whole past)", "similar")
    for leg in legs:
        which = f'{here},leg="{leg}"'
        weekly = leg.endswith("(whole past)")
        complete = always(-5 * DAY) if weekly else last(HOUR)
        outage = between(5, 7, always(4 * HOUR), complete)
        until = "carillon_leg_complete_until_timestamp_seconds"
        series[f"{until}{{{which}}}"] = complete if weekly else outage
        series[f"carillon_leg_open_since_timestamp_seconds{{{which}}}"] = between(
            5, 7, always(4 * HOUR), always(0)
        )
        series[f"carillon_leg_alarm{{{which}}}"] = always(0)
    rates = {"ok": 60, "empty": 6, "throttled": 6, "transient": 4, "permanent": 0}
    for utility in ("esearch", "esummary", "efetch", "elink", "epost"):
        for verdict, rate in rates.items():
            name = f'utility="{utility}",verdict="{verdict}"'
            which = f'carillon_ncbi_answers_total{{job="poller",instance="poller:8080",{name}}}'
            series[which] = growing(rate)
    return series


def _of_consumers() -> dict[str, Series]:
    series: dict[str, Series] = {}
    for consumer in CONSUMERS:
        here = f'job="{consumer}",instance="{consumer}:8080",consumer="{consumer}"'
        series[f"carillon_parked_messages{{{here}}}"] = always(0)
        series[f"carillon_queue_consumers{{{here}}}"] = always(1)
        waits: Series = lambda t: 40 if t % HOUR < 300 else 0  # noqa: E731
        for part in ("work", "suspects", "retry"):
            which = f'carillon_queue_messages{{{here},part="{part}"}}'
            series[which] = waits if part == "work" else always(0)
    job = 'job="classifier",instance="classifier:8080"'
    scope = f'carillon_articles_classified_total{{{job},{TOPIC},scope="core"}}'
    series[scope] = growing(4)
    for facet, label in (("modality", "cd19-car-t"), ("disease", "lupus")):
        which = f'carillon_labels_total{{{job},facet="{facet}",label="{label}"}}'
        series[which] = growing(2)
    return series


def _of_notifier() -> dict[str, Series]:
    job = 'job="notifier",instance="notifier:8080"'
    series: dict[str, Series] = {
        f"carillon_articles_late{{{job},{TOPIC}}}": always(0),
        f"carillon_poll_heard_timestamp_seconds{{{job},{TOPIC}}}": last(HOUR, 180),
        f"carillon_digests_not_cut_total{{{job}}}": always(0),
        # A restore before noon, and a decision when PubMed was checked.
        f"carillon_sending_held_since_timestamp_seconds{{{job}}}": between(
            9, 12, always(9 * HOUR), always(0)
        ),
    }
    for kind in ("digest", "letter"):
        slow = between(7, 8, always(7 * HOUR), always(0))
        waiting = "carillon_waiting_since_timestamp_seconds"
        series[f'{waiting}{{{job},kind="{kind}"}}'] = slow
        which = f'carillon_waiting{{{job},kind="{kind}"}}'
        series[which] = between(7, 8, always(5), always(0))
    counts = {
        "sent": at_hour(7.5, 200),
        "postponed": at_hour(7.2, 5),
        "unanswered": at_hour(7.2, 1),
    }
    for channel in ("email", "slack"):
        for outcome in ("sent", "postponed", "unanswered", "rejected", "failed"):
            which = f'carillon_deliveries_total{{{job},channel="{channel}",outcome="{outcome}"}}'
            series[which] = counts.get(outcome, always(0))
    states = {"active": 200, "unconfirmed": 3, "inactive": 2, "suppressed": 1, "unreadable": 0}
    for state, count in states.items():
        series[f'carillon_subscriptions{{{job},state="{state}"}}'] = always(count)
    for cadence in ("immediate", "daily", "weekly"):
        late = 0.1 if cadence != "weekly" else 0.9
        name, which = "carillon_entry_to_delivery_seconds", f'{job},cadence="{cadence}"'
        series[f"{name}_count{{{which}}}"] = at_hour(7.5, 1000)
        series[f'{name}_bucket{{{which},le="259200.0"}}'] = at_hour(7.5, 1000 * (1 - late))
    return series


def healthy_day() -> Mapping[str, Series]:
    """Every series that the rules read, by its name and labels."""
    return {**_of_services(), **_of_poller(), **_of_consumers(), **_of_notifier()}
