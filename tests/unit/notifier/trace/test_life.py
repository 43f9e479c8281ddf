"""One article's life: to whom it went and how, and why it did not go to others."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.notifier import subscribers, suppression, tables
from services.notifier.recipient import recipient
from services.notifier.trace.delivery import happenings
from services.notifier.trace.fate import LATE, WAITS, grouped
from services.notifier.trace.life import Life, lives
from shared.article import Status
from shared.database import transaction
from shared.errors import Permanent, Retryable
from shared.events import CloudEvent
from tests.builders import a_classification, a_label
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event

HOUR = timedelta(hours=1)


async def life(desk: Desk, pmid: int = 1) -> Life:
    (found,) = await lives(desk.engine, pmid, "car-autoimmune", desk.clock())
    return found


async def why(desk: Desk, pmid: int = 1) -> dict[str, str]:
    return {one.subscription_id: one.why for one in (await life(desk, pmid)).fates}


async def arrived(
    desk: Desk, *articles: CloudEvent, poll: str = "p1", at: datetime = START
) -> None:
    await desk.receive(*articles, a_poll_event(at, poll=poll, announced=len(articles)))


async def changed(desk: Desk, **columns: object) -> None:
    async with transaction(desk.engine) as connection:
        await connection.execute(tables.subscriptions.update().values(**columns))


async def test_how_it_was_delivered_is_told_by_outcome(desk: Desk) -> None:
    await desk.subscribe(*(a_subscription(id=name) for name in ("a", "b", "c")))
    await arrived(desk, an_article_event(1, START))
    desk.sender.faults = [Retryable("SMTP server: no answer in time")]
    await desk.at(7)

    found = await life(desk)

    outcomes = sorted(one.outcome for one in found.deliveries)
    assert outcomes == ["accepted", "accepted", "tried again"]
    first, second = happenings(found.deliveries)
    assert {first.title, second.title} == {
        "In the digest due 2026-09-07 07:00 UTC: accepted for 2 subscriptions",
        "In the digest due 2026-09-07 07:00 UTC: tried again for 1 subscription",
    }
    assert not any("example.org" in line for one in (first, second) for line in one.lines)
    assert found.fates == ()
    assert [one.received_at for one in found.arrivals] == [START]


async def test_one_that_was_given_up_is_told_though_its_ledger_is_free(desk: Desk) -> None:
    await desk.subscribe(a_subscription())
    await arrived(desk, an_article_event(1, START))
    desk.sender.faults = [Permanent("SMTP server: 554 refused")]
    await desk.at(7)

    (given_up,) = (await life(desk)).deliveries

    assert given_up.outcome == "given up"
    assert "554" in str(given_up.error)
    assert await desk.told() == set()


async def test_a_notice_is_told_beside_the_article(desk: Desk) -> None:
    await desk.subscribe(a_subscription())
    await arrived(desk, an_article_event(1, START))
    await desk.at(7)
    retracted = an_article_event(1, START + 8 * HOUR, poll="p2", revision=2,
                                 status=Status.RETRACTED)  # fmt: skip
    await desk.receive(retracted.model_copy(update={"id": "0" * 36}),
                       a_poll_event(START + 8 * HOUR, poll="p2", announced=1))  # fmt: skip
    await desk.at(7, day=8)

    found = await life(desk)

    assert [one.what for one in found.deliveries] == ["article", "notice:retracted"]
    assert "a notice (retracted)" in happenings(found.deliveries)[1].title
    assert [step.revision for step in found.steps] == [1, 2]


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"filters": {"scope": ["oncology"]}}, "filtered: out of scope (core)"),
        ({"filters": {"muted_journals": ["J Ex"]}}, "filtered: of a journal or author that is"),
        ({"filters": {"disease": ["sle"]}}, "filtered: without any disease"),
        ({"filters": {"words": ["asthma"]}}, "filtered: without any word"),
        ({"filters": {"min_relatedness": 0.9}}, "filtered: less related"),
        ({"created_at": START + timedelta(days=40)}, "older than the subscription"),
        ({"confirmed_at": None}, "not confirmed by its reader"),
        ({}, WAITS),
    ],
)
async def test_who_was_not_told_has_a_reason(one: Desk, wish: dict[str, Any], reason: str) -> None:
    await one.subscribe(a_subscription(**wish))
    await arrived(one, an_article_event(1, START))
    one.clock.now = START + HOUR

    told = await why(one)

    assert told["reader"].startswith(reason)


async def test_a_pause_is_a_reason_and_its_end_is_told(one: Desk) -> None:
    await one.subscribe(a_subscription())
    await arrived(one, an_article_event(1, START))

    await changed(one, paused_at=START)
    (for_good,) = (await life(one)).fates
    await changed(one, paused_until=START + 31 * HOUR)
    (for_a_while,) = (await life(one)).fates

    assert for_good.why == "paused, until its reader goes on"
    assert (for_a_while.why, for_a_while.next_at) == ("paused", START + 31 * HOUR)


async def test_it_says_when_it_will_be_told_or_that_it_should_have_been(one: Desk) -> None:
    await one.subscribe(a_subscription(), a_subscription(id="weekly", cadence="weekly"))
    await arrived(one, an_article_event(1, START))

    early = (await life(one)).fates
    one.clock.now = START + 8 * HOUR
    late = (await life(one)).fates

    assert {(fate.why, fate.next_at) for fate in early} == {(WAITS, START + 7 * HOUR)}
    assert {fate.why for fate in late} == {LATE}


async def test_after_its_digest_what_it_did_not_bring_waits_for_the_next(one: Desk) -> None:
    await one.subscribe(a_subscription())
    await arrived(one, an_article_event(1, START))
    await one.at(7)
    one.clock.now = START + 9 * HOUR
    await arrived(one, an_article_event(2, one.clock(), poll="p2"), poll="p2", at=one.clock())

    (fate,) = (await life(one, 2)).fates

    assert (fate.why, fate.next_at) == (WAITS, START + 31 * HOUR)
    await one.at(7, day=8)
    assert (await life(one, 2)).fates == ()


async def test_background_retraction_and_the_reader_s_other_subscription(one: Desk) -> None:
    await one.subscribe(a_subscription(), a_subscription(id="old", background=True))
    await arrived(
        one, an_article_event(1, START, backfill=True),
        an_article_event(2, START, status=Status.RETRACTED), an_article_event(3, START),
    )  # fmt: skip
    await one.at(7)
    same = a_subscription(id="same", address=a_subscription().address, created_at=one.clock())
    await one.subscribe(same)

    assert (await why(one, 1))["reader"].startswith("background")
    assert "old" not in await why(one, 1), "it came as background"
    assert (await why(one, 2))["reader"] == "no news any more: it is retracted"
    assert (await why(one, 3))["same"] == "its reader has it by reader"


async def test_who_is_off_or_never_written_to(one: Desk) -> None:
    await one.subscribe(a_subscription(id="off"), a_subscription(id="barred"))
    await arrived(one, an_article_event(1, START))
    async with transaction(one.engine) as connection:
        await subscribers.deactivate(connection, "off", "the recipient was rejected with 550")
        await suppression.suppress(
            connection, recipient("email", "barred@example.org"), "complaint", START
        )

    told = await why(one)

    assert told["off"] == "off: the recipient was rejected with 550"
    assert told["barred"] == "its reader is never written to"


async def test_other_topics_are_not_asked_and_what_cannot_be_read_is_said(one: Desk) -> None:
    await one.subscribe(a_subscription(id="other", topic="other"), a_subscription(id="odd"))
    await arrived(one, an_article_event(1, START))
    async with transaction(one.engine) as connection:
        row = tables.subscriptions.update().where(tables.subscriptions.c.id == "odd")
        await connection.execute(row.values(wish={"hour": 99}))

    found = await life(one)

    assert found.fates == ()
    assert found.doubts == ("1 subscriptions cannot be read, and are passed over",)
    assert await lives(one.engine, 1, "other", one.clock()) == []
    assert await lives(one.engine, 7, None, one.clock()) == []


async def test_the_same_reason_is_one_line(one: Desk) -> None:
    await one.subscribe(*(a_subscription(id=name) for name in ("a", "b")))
    oncology = a_classification(scope="oncology", labels=(a_label(),))
    await arrived(one, an_article_event(1, START, classification=oncology))

    (group,) = grouped((await life(one)).fates)

    assert (group.why, group.ids) == ("filtered: out of scope (oncology)", ("a", "b"))
