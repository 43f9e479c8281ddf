"""Told at once: bundled, written only when there is something, and no flood of warnings."""

from datetime import timedelta

from services.notifier import changes, tables
from services.notifier.quiet import is_quiet
from tests.unit.notifier.digests import a_coverage, a_digest
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event
from tests.unit.notifier.people import do, kept

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def at(desk: Desk, after: timedelta) -> int:
    desk.clock.now = desk.timer.now = START + after
    return await desk.deliver()


async def test_nothing_new_writes_nothing_but_when_it_was_looked(desk: Desk) -> None:
    await desk.subscribe(a_subscription(cadence="immediate"))
    await desk.receive(a_poll_event(START))
    for minutes in range(1, 120, 7):
        assert await at(desk, minutes * MINUTE) == 0
    assert await desk.rows(tables.digests) == []
    assert (await kept(desk)).subscription.looked_at == START + 105 * MINUTE


async def test_to_have_been_looked_at_in_vain_delays_no_other_cadence(one: Desk) -> None:
    await one.subscribe(a_subscription(cadence="immediate"))
    await one.receive(a_poll_event(START))
    assert await at(one, 6 * HOUR + 50 * MINUTE) == 0
    await do(one, changes.change, "reader", {"cadence": "daily", "when_empty": "heartbeat"})
    assert await at(one, 7 * HOUR) == 1


async def test_what_comes_within_a_quarter_of_an_hour_is_one_mail(desk: Desk) -> None:
    await desk.subscribe(a_subscription(cadence="immediate"))
    await desk.receive(a_poll_event(START, announced=3))
    for pmid, minutes, sent in ((1, 2, 0), (2, 9, 0), (3, 16, 1)):
        assert await at(desk, minutes * MINUTE) == sent
        await desk.receive(an_article_event(pmid, START + minutes * MINUTE))
    assert await at(desk, 29 * MINUTE) == 0
    assert await at(desk, 31 * MINUTE) == 1
    assert [digest.total for digest in await desk.contents()] == [2, 1]


async def test_an_article_that_never_arrives_holds_up_no_other(desk: Desk) -> None:
    await desk.subscribe(a_subscription(cadence="immediate"))
    await at(desk, 5 * MINUTE)
    await desk.receive(
        an_article_event(1, START + 5 * MINUTE), a_poll_event(START + 5 * MINUTE, announced=9)
    )
    assert await at(desk, 16 * MINUTE) == 0
    assert await at(desk, 31 * MINUTE) == 1


async def test_a_poller_that_is_silent_for_long_is_told_once(desk: Desk) -> None:
    await desk.subscribe(a_subscription(cadence="immediate"))
    await desk.receive(a_poll_event(START, next_at=START + HOUR))
    for hours in range(1, 25):
        assert await at(desk, hours * HOUR) == 0
    sent = [await at(desk, hours * HOUR) for hours in range(25, 80)]
    assert sum(sent) == 1
    assert "Incomplete" in str(desk.sender.sent[0][1]["Subject"])


def test_an_unhealthy_source_is_worth_no_mail_every_quarter_of_an_hour() -> None:
    digest = a_digest(cadence="immediate")
    ill = {"healthy": False, "unhealthy_since": digest.period_to - HOUR}
    short = digest.model_copy(update={"coverage": a_coverage(**ill)})
    ill["unhealthy_since"] = digest.period_to - DAY
    long = digest.model_copy(update={"coverage": a_coverage(**ill)})
    assert is_quiet(short)
    assert not is_quiet(long)
    assert is_quiet(long, long.coverage)
    assert not is_quiet(long.model_copy(update={"cadence": "daily"}), long.coverage)
