"""The notifier's numbers: what became of hand-overs, how late news is, what waits, who is there."""

from datetime import timedelta

import pytest

from services.notifier import hold, plan
from services.notifier.hold import Hold
from services.notifier.measure import measure
from services.notifier.metrics import KEPT, Delivered, Metrics
from services.notifier.senders import AnswerLost, RecipientRejected
from shared.database import transaction
from shared.errors import Permanent, Retryable
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event
from tests.unit.notifier.test_run import subscribed


def value(desk: Desk, name: str, **labels: str) -> float | None:
    return desk.metrics.registry.get_sample_value(name, labels)


async def looked(desk: Desk) -> None:
    await measure(desk.engine, desk.metrics, desk.clock)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (None, "sent"),
        (Retryable("no answer"), "postponed"),
        (AnswerLost("connection lost"), "unanswered"),
        (RecipientRejected("no such mailbox"), "rejected"),
        (Permanent("refused with 554"), "failed"),
    ],
)
async def test_each_hand_over_is_counted_by_what_became_of_it(
    one: Desk, fault: Exception | None, outcome: str
) -> None:
    await subscribed(one)
    one.sender.faults = [fault] if fault else []

    await one.at(8)

    counted = {
        sample.labels["outcome"]: sample.value
        for metric in one.metrics.registry.collect()
        for sample in metric.samples
        if sample.name == "carillon_deliveries_total" and sample.labels["channel"] == "email"
    }
    assert {name for name, count in counted.items() if count} == {outcome}
    assert counted[outcome] == 1
    assert len(counted) == 5, "one that has not come yet begins at none"


async def test_the_delay_is_from_pubmeds_entry_to_the_acceptance(desk: Desk) -> None:
    await subscribed(desk)
    await desk.at(8)
    asked = {"cadence": "daily"}
    assert value(desk, "carillon_entry_to_delivery_seconds_count", **asked) == 0

    await looked(desk)
    await looked(desk)

    # tests.builders: they entered PubMed at noon of the day on which they were sent at eight.
    assert value(desk, "carillon_entry_to_delivery_seconds_count", **asked) == 2
    assert value(desk, "carillon_entry_to_delivery_seconds_sum", **asked) == 0
    await desk.receive(
        an_article_event(3, START + timedelta(days=1), poll="p2"),
        a_poll_event(START + timedelta(days=1), poll="p2", announced=1),
    )
    await desk.at(8, day=8)
    await looked(desk)
    assert value(desk, "carillon_entry_to_delivery_seconds_sum", **asked) == 20 * 3600


async def test_delays_that_nobody_looks_up_do_not_fill_the_memory() -> None:
    metrics = Metrics()
    for _ in range(KEPT + 1):
        metrics.delivered(Delivered("t", "daily", (1,), START))
    assert len(metrics.unmeasured()) == KEPT


async def test_what_waits_and_what_has_not_arrived_is_read_from_the_store(desk: Desk) -> None:
    await subscribed(desk)
    await desk.receive(a_poll_event(START, poll="lost", announced=3))
    desk.sender.faults = [Retryable("no answer")]
    await desk.at(10)  # it has waited two hours for those three

    await looked(desk)

    topic = {"topic": "car-autoimmune"}
    ten = (START + timedelta(hours=10)).timestamp()
    assert value(desk, "carillon_waiting", kind="digest") == 1
    assert value(desk, "carillon_waiting_since_timestamp_seconds", kind="digest") == ten
    assert value(desk, "carillon_waiting", kind="letter") == 0
    assert value(desk, "carillon_waiting_since_timestamp_seconds", kind="letter") == 0
    assert value(desk, "carillon_articles_late", **topic) == 3
    assert value(desk, "carillon_poll_heard_timestamp_seconds", **topic) == START.timestamp()


async def test_what_was_announced_just_now_is_not_late_and_more_than_announced_owes_nothing(
    desk: Desk,
) -> None:
    await subscribed(desk)
    await desk.receive(an_article_event(3, START), a_poll_event(START, poll="p2", announced=1))
    desk.clock.advance(hours=1)
    await looked(desk)
    assert value(desk, "carillon_articles_late", topic="car-autoimmune") == 0

    desk.clock.advance(hours=2)
    await looked(desk)
    assert value(desk, "carillon_articles_late", topic="car-autoimmune") == 1


async def test_subscriptions_are_counted_by_what_hinders_them(desk: Desk) -> None:
    await subscribed(desk, "reader", "other")
    await desk.subscribe(a_subscription(id="new", confirmed_at=None))
    desk.sender.faults = [RecipientRejected("no such mailbox")]
    await desk.at(8)

    await looked(desk)

    assert value(desk, "carillon_subscriptions", state="active") == 1
    assert value(desk, "carillon_subscriptions", state="inactive") == 1
    assert value(desk, "carillon_subscriptions", state="unconfirmed") == 1
    assert value(desk, "carillon_subscriptions", state="unreadable") == 0


async def test_since_when_sending_is_held_is_read_from_the_store_until_somebody_decides(
    desk: Desk,
) -> None:
    name, restored = "carillon_sending_held_since_timestamp_seconds", START + timedelta(hours=5)
    await looked(desk)
    assert value(desk, name) == 0

    async with transaction(desk.engine) as connection:
        await hold.put(connection, Hold("h1", "restored from a backup", START, restored))
    await looked(desk)
    assert value(desk, name) == restored.timestamp()

    async with transaction(desk.engine) as connection:
        await hold.end(connection, "everything is told", desk.clock())
    await looked(desk)
    assert value(desk, name) == 0


async def test_a_digest_that_cannot_be_cut_is_counted(
    one: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await subscribed(one)

    def broken(*_: object) -> str:
        raise LookupError("a bug")

    monkeypatch.setattr(plan, "digest_id", broken)
    await one.at(8)

    assert value(one, "carillon_digests_not_cut_total") == 1
