"""A relation that stays open for too long wakes up who skips empty digests, once."""

from datetime import timedelta
from typing import Any

from services.notifier.digest import Digest
from services.notifier.quiet import is_quiet
from shared.errors import Permanent, Retryable
from shared.events import CloudEvent, Leg
from tests.builders import a_leg
from tests.unit.notifier.digests import a_coverage, a_digest
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event

SINCE = START - timedelta(days=2)


def an_alarm(**overrides: Any) -> Leg:
    facts = {"relation": "similar", "name": None, "state": "open", "alarm": True}
    return a_leg(**{**facts, "open_since": SINCE, "error": "busy", **overrides})


async def poll_and_deliver(
    desk: Desk, day: int, *legs: Leg, more: tuple[CloudEvent, ...] = ()
) -> int:
    at = START.replace(day=day)
    desk.clock.now = at
    healthy = all(leg.state != "open" for leg in legs)
    poll = a_poll_event(at, poll=f"p{day}", healthy=healthy, legs=(a_leg(), *legs))
    await desk.receive(*more, poll)
    return await desk.at(8, day=day)


def text_of(desk: Desk, number: int) -> str:
    body = desk.sender.sent[number][1].get_body(("plain",))
    assert body is not None
    return " ".join(str(body.get_content()).split())


async def test_an_alarm_is_sent_once_and_a_new_one_again(desk: Desk) -> None:
    await desk.subscribe(a_subscription())
    assert await poll_and_deliver(desk, 7, an_alarm()) == 1
    assert "! Not checked since 5 September 2026: similar articles (busy)." in text_of(desk, 0)
    assert await poll_and_deliver(desk, 8, an_alarm()) == 0
    assert await poll_and_deliver(desk, 9, an_alarm()) == 0

    other = an_alarm(relation="cited-by")
    assert await poll_and_deliver(desk, 10, an_alarm(), other) == 1
    assert await poll_and_deliver(desk, 11, an_alarm(), other) == 0
    assert await poll_and_deliver(desk, 12, an_alarm(open_since=START)) == 1


async def test_an_alarm_is_repeated_in_digests_that_come_for_another_reason(one: Desk) -> None:
    await one.subscribe(a_subscription())
    await poll_and_deliver(one, 7, an_alarm())
    new = an_article_event(1, START.replace(day=8))
    assert await poll_and_deliver(one, 8, an_alarm(), more=(new,)) == 1
    assert "Not checked since" in text_of(one, 1)
    assert await poll_and_deliver(one, 9, an_alarm()) == 0


async def test_an_alarm_whose_digest_was_given_up_is_told_by_the_next(one: Desk) -> None:
    await one.subscribe(a_subscription())
    one.sender.faults = [Permanent("refused")]
    assert await poll_and_deliver(one, 7, an_alarm()) == 0
    assert await poll_and_deliver(one, 8, an_alarm()) == 1


async def test_an_alarm_is_not_taken_for_told_while_its_mail_waits_and_is_then_refused(
    one: Desk,
) -> None:
    await one.subscribe(a_subscription())
    one.sender.faults = [Retryable("away"), Permanent("refused")]
    for day, sent in ((7, 0), (8, 0), (9, 1)):
        assert await poll_and_deliver(one, day, an_alarm()) == sent
    assert [state for state, _ in await one.digests()] == ["failed", "skipped", "sent"]


async def test_what_is_not_an_alarm_yet_is_told_as_any_fault_is(one: Desk) -> None:
    await one.subscribe(a_subscription())
    for day in (7, 8):
        assert await poll_and_deliver(one, day, an_alarm(alarm=False)) == 1


async def test_a_poller_that_falls_silent_is_told_also_after_an_alarm(one: Desk) -> None:
    await one.subscribe(a_subscription())
    await poll_and_deliver(one, 7, an_alarm())
    assert await one.at(9, day=8) == 1


async def test_a_poll_that_is_overdue_is_told_although_its_only_trouble_was(one: Desk) -> None:
    await one.subscribe(a_subscription())
    await poll_and_deliver(one, 7, an_alarm())
    at = START.replace(day=8)
    last: dict[str, Any] = {
        "healthy": False,
        "legs": (an_alarm(),),
        "next_at": at + timedelta(hours=1),
    }
    await one.receive(a_poll_event(at, poll="last", **last))
    assert await one.at(8, day=8) == 1


async def test_a_change_in_reading_waits_for_a_digest_that_is_sent_and_is_told_once(
    one: Desk,
) -> None:
    await one.subscribe(a_subscription())
    drift = a_leg(name="core", previous_translation="a", query_translation="a OR b")
    assert await poll_and_deliver(one, 7, drift) == 0
    assert await poll_and_deliver(one, 8) == 0
    new = [an_article_event(n, START.replace(day=n)) for n in (9, 10)]
    assert await poll_and_deliver(one, 9, drift, more=(new[0],)) == 1
    assert await poll_and_deliver(one, 10, drift, more=(new[1],)) == 1
    assert text_of(one, 0).count("PubMed now reads query 'core' differently: it adds b.") == 1
    assert "differently" not in text_of(one, 1)


def test_a_source_that_is_unwell_for_no_relation_we_know_of_is_always_told() -> None:
    unwell: Digest = a_digest(coverage=a_coverage(healthy=False))
    assert not is_quiet(unwell, unwell.coverage)
    assert is_quiet(a_digest())
