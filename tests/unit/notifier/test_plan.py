"""When a digest is cut, and what the period's checks say in it."""

from datetime import UTC, datetime, timedelta

from services.notifier import tables
from services.notifier.plan import digest_id, due
from services.notifier.turn import due_slot
from shared.article import Status
from tests.builders import a_classification
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event

HOUR = timedelta(hours=1)


def test_a_subscription_confirmed_later_is_due_after_its_confirmation() -> None:
    late = a_subscription(confirmed_at=START + 8 * HOUR)
    assert due_slot(late, None, START + 9 * HOUR) is None
    assert due_slot(a_subscription(), None, START + 9 * HOUR) == START + 7 * HOUR


def test_a_digest_has_the_same_id_whoever_cuts_it() -> None:
    assert digest_id("reader", START) == digest_id("reader", START)
    assert digest_id("reader", START) != digest_id("reader", START + HOUR)


async def test_due_are_those_that_are_mailable_and_not_cut(one: Desk) -> None:
    await one.subscribe(
        a_subscription(id="a"), a_subscription(id="b", confirmed_at=None),
        a_subscription(id="c", hour=9),
    )  # fmt: skip
    await one.receive(a_poll_event(START))
    assert await due(one.engine, START + 8 * HOUR) == ["a"]
    assert await one.at(8) == 0
    assert await due(one.engine, START + 8 * HOUR) == []


async def test_a_digest_waits_for_the_articles_of_its_polls(one: Desk) -> None:
    await one.subscribe(a_subscription())
    await one.receive(an_article_event(1, START), a_poll_event(START, announced=2))
    assert await one.at(8) == 0
    assert await one.digests() == []

    await one.receive(an_article_event(2, START))
    assert await one.at(8) == 1
    assert await one.told() == {(1, "article"), (2, "article")}


async def test_after_the_longest_wait_it_is_cut_and_says_how_many_are_missing(one: Desk) -> None:
    await one.subscribe(a_subscription())
    await one.receive(an_article_event(1, START), a_poll_event(START, announced=2))
    assert await one.at(9) == 1
    (digest,) = await one.contents()
    assert (digest.total, digest.coverage.in_processing) == (1, 1)

    await one.receive(an_article_event(2, START), a_poll_event(START + 24 * HOUR, poll="p2"))
    assert await one.at(8, day=8) == 1
    assert await one.told() == {(1, "article"), (2, "article")}


async def test_a_poll_that_ended_after_the_due_instant_is_not_waited_for(one: Desk) -> None:
    await one.subscribe(a_subscription())
    await one.receive(
        an_article_event(1, START), a_poll_event(START, announced=1),
        a_poll_event(START + 7 * HOUR + HOUR / 2, poll="p2", announced=5),
    )  # fmt: skip
    assert await one.at(8) == 1


async def test_the_result_of_a_poll_may_be_on_its_way_too(one: Desk) -> None:
    await one.subscribe(a_subscription())
    await one.receive(an_article_event(1, START))
    assert await one.at(8) == 0
    await one.receive(a_poll_event(START, announced=1))
    assert await one.at(8) == 1


async def test_with_nothing_new_the_digest_is_skipped_once(one: Desk) -> None:
    await one.subscribe(a_subscription())
    await one.receive(a_poll_event(START))
    assert await one.at(8) == await one.at(9) == 0
    assert await one.digests() == [("skipped", 0)]


async def test_a_heartbeat_is_sent_with_nothing_new(one: Desk) -> None:
    await one.subscribe(a_subscription(when_empty="heartbeat"))
    await one.receive(a_poll_event(START))
    assert await one.at(8) == 1
    (digest,) = await one.contents()
    assert (digest.total, digest.coverage.healthy, digest.coverage.polls) == (0, True, 1)


async def test_a_source_that_is_unhealthy_is_told_even_to_those_who_skip(one: Desk) -> None:
    await one.subscribe(a_subscription())
    await one.receive(
        a_poll_event(START, poll="p1"), a_poll_event(START + HOUR, poll="p2", healthy=False)
    )
    assert await one.at(8) == 1
    (digest,) = await one.contents()
    assert (digest.coverage.healthy, digest.coverage.unhealthy_since) == (False, START)
    assert "Incomplete" in str(one.sender.sent[0][1]["Subject"])


async def test_a_source_that_fell_silent_is_told_even_to_those_who_skip(one: Desk) -> None:
    await one.subscribe(a_subscription())
    await one.receive(a_poll_event(START))
    await one.at(8)
    assert await one.at(8, day=8) == 0  # its poll may still come, for two hours
    assert await one.at(9, day=8) == 1
    *_, digest = await one.contents()
    assert (digest.coverage.polls, digest.coverage.unhealthy_since) == (0, START)


async def test_a_poller_that_died_in_the_week_is_said_in_the_weekly_digest(one: Desk) -> None:
    await one.subscribe(a_subscription(cadence="weekly"))
    died = START + 24 * HOUR
    await one.receive(a_poll_event(died, next_at=died + 24 * HOUR))
    assert await one.at(9, day=14) == 1
    (digest,) = await one.contents()
    assert (digest.coverage.polls, digest.coverage.unhealthy_since) == (1, died + 24 * HOUR)
    assert "Incomplete" in str(one.sender.sent[0][1]["Subject"])


async def test_a_poll_a_day_is_no_silence_to_a_digest_hours_later(one: Desk) -> None:
    await one.subscribe(a_subscription())
    await one.receive(a_poll_event(START, next_at=START + 24 * HOUR))
    assert await one.at(8) == 0
    assert await one.digests() == [("skipped", 0)]


async def test_articles_still_on_their_way_are_told_even_to_those_who_skip(one: Desk) -> None:
    await one.subscribe(a_subscription())
    await one.receive(a_poll_event(START, announced=3))
    assert await one.at(9) == 1
    (digest,) = await one.contents()
    assert (digest.total, digest.coverage.in_processing) == (0, 3)


async def test_a_topic_that_was_never_polled_fails_in_sight_once_a_day(one: Desk) -> None:
    await one.subscribe(a_subscription(topic="mistyped"))
    assert await one.at(9) == await one.at(10) == 0
    (row,) = await one.rows(tables.digests)
    assert row.state == "failed"
    assert row.error.startswith("topic 'mistyped' was never polled: is its name right")


async def test_days_without_a_notifier_bring_one_digest_over_the_whole_gap(one: Desk) -> None:
    await one.subscribe(a_subscription())
    for day in range(5):
        at = START + timedelta(days=day)
        await one.receive(
            an_article_event(day + 1, at, poll=f"p{day}"),
            a_poll_event(at, poll=f"p{day}", announced=1),
        )
    assert await one.at(8, day=11) == 1
    (digest,) = await one.contents()
    assert (digest.total, digest.coverage.polls) == (5, 5)
    assert digest.period_to == datetime(2026, 9, 11, 7, tzinfo=UTC)
    assert await one.at(9, day=11) == 0


async def test_each_digest_begins_where_the_last_one_ended(one: Desk) -> None:
    await one.subscribe(a_subscription(when_empty="heartbeat"))
    await one.receive(a_poll_event(START), a_poll_event(START + 24 * HOUR, poll="p2"))
    await one.at(8)
    await one.at(8, day=8)
    first, second = await one.contents()
    assert first.period_from == START - timedelta(days=30)
    assert second.period_from == first.period_to
    assert second.coverage.polls == 1


async def test_a_digest_holds_no_more_than_it_can_name_and_the_rest_comes_next(one: Desk) -> None:
    await one.subscribe(a_subscription(max_items=2))
    events = [an_article_event(pmid, START, relatedness=pmid / 1000) for pmid in range(1, 503)]
    await one.receive(*events, a_poll_event(START, announced=502))
    await one.at(8)
    (digest,) = await one.contents()
    assert (len(digest.shown), digest.more, digest.total) == (2, 498, 500)

    await one.receive(a_poll_event(START + 24 * HOUR, poll="p2"))
    await one.at(8, day=8)
    assert [item.pmid for item in (await one.contents())[1].items] == [2, 1]


async def test_what_a_full_digest_left_out_is_said_and_kept_by_the_next_however_old(
    one: Desk,
) -> None:
    await one.subscribe(a_subscription(cadence="weekly"))
    day = 24 * HOUR
    one.clock.now = START - 28 * day
    old = [an_article_event(n, START - 29 * day, relatedness=0.1) for n in range(1, 4)]
    await one.receive(*old)
    one.clock.now = START
    new = [an_article_event(n, START, relatedness=0.9) for n in range(100, 600)]
    await one.receive(*new, a_poll_event(START, announced=503))
    await one.at(9, day=14)
    await one.receive(a_poll_event(START + 13 * day, poll="p2"))
    await one.at(9, day=21)

    first, second = await one.contents()
    assert (first.total, first.waiting, second.waiting) == (500, 3, 0)
    assert [item.pmid for item in second.items] == [3, 2, 1]
    mail = str(one.sender.sent[0][1].get_body(("plain",)))
    assert "Left for the next digest: 3 more articles." in mail


async def test_a_cancer_paper_and_a_retracted_one_reach_nobody(one: Desk) -> None:
    await one.subscribe(a_subscription())
    await one.receive(
        an_article_event(1, START, classification=a_classification(scope="oncology")),
        an_article_event(2, START, status=Status.RETRACTED),
        an_article_event(3, START),
        a_poll_event(START, announced=3),
    )
    assert await one.at(8) == 1
    assert await one.told() == {(3, "article")}
