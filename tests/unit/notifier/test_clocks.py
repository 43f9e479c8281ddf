"""A clock that was ahead and is put back leaves nobody waiting for its time to come again."""

from datetime import datetime, timedelta

import pytest

from services.notifier import changes, tables
from services.notifier.tidy import tidy
from shared.database import transaction
from shared.errors import Retryable
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event

DAY = timedelta(days=1)
YEAR = timedelta(days=365)
AWAY = Retryable("SMTP server: no answer in time; it is tried again")


async def a_day(desk: Desk, day: int) -> int:
    """A poll that brings one article, and the digest of that day in September 2026."""
    at, poll = START + (day - 7) * DAY, f"p{day}"
    desk.clock.now = at
    await desk.receive(
        an_article_event(day, at, poll=poll), a_poll_event(at, poll=poll, announced=1)
    )
    return await desk.at(8, day=day)


async def test_a_digest_cut_by_a_clock_that_was_ahead_does_not_silence_its_reader(
    desk: Desk,
) -> None:
    await desk.subscribe(a_subscription())
    assert await a_day(desk, 7) == 1
    desk.clock.now = START + YEAR + 8 * timedelta(hours=1)
    assert await desk.deliver(max_wait=timedelta()) == 1

    assert [await a_day(desk, day) for day in (8, 9, 10)] == [1, 1, 1]
    rows = sorted(await desk.rows(tables.digests), key=lambda row: row.period_to)
    assert [row.period_from for row in rows[1:4]] == [row.period_to for row in rows[:3]]


async def test_what_is_found_after_a_clock_was_put_back_is_told_when_its_time_comes_again(
    desk: Desk,
) -> None:
    """A reader who pauses meanwhile: the digest of that clock must not hide what came since."""
    await desk.subscribe(a_subscription())
    assert await a_day(desk, 7) == 1
    desk.clock.now = START + 60 * DAY + 8 * timedelta(hours=1)
    assert await desk.deliver(max_wait=timedelta()) == 1
    desk.clock.now = back = START + 9 * timedelta(hours=1)
    await tidy(desk.engine, desk.clock, desk.timer)
    await desk.receive(an_article_event(1, back, poll="p"), a_poll_event(back, poll="p"))
    await pause(desk, START + 61 * DAY)

    desk.clock.now = desk.timer.now = START + 62 * DAY
    assert await desk.deliver(max_wait=timedelta()) == 1

    assert await desk.told() == {(7, "article"), (1, "article")}
    rows = sorted(await desk.rows(tables.digests), key=lambda row: row.period_to)
    assert rows[-1].period_from == back


async def pause(desk: Desk, until: datetime) -> None:
    async with transaction(desk.engine) as connection:
        await changes.pause(connection, "reader", until, desk.clock())


async def test_an_article_that_a_clock_ahead_discovered_is_in_the_next_digest(desk: Desk) -> None:
    await desk.subscribe(a_subscription())
    await desk.receive(an_article_event(1, START + YEAR), a_poll_event(START, announced=1))
    assert await desk.at(8) == 1
    assert await desk.told() == {(1, "article")}


async def test_a_lease_or_a_pause_of_a_clock_that_was_ahead_counts_as_past(desk: Desk) -> None:
    await desk.subscribe(a_subscription())
    desk.sender.faults = [AWAY]
    assert await a_day(desk, 7) == 0
    await set_times(desk, START + YEAR)
    assert await desk.deliver() == 1


@pytest.mark.parametrize("wait", [timedelta(hours=2), timedelta(days=30)])
async def test_a_channel_is_asked_again_after_a_day_at_the_latest(
    one: Desk, wait: timedelta
) -> None:
    await one.subscribe(a_subscription())
    one.sender.faults = [Retryable("come back later", retry_after=wait)]
    await a_day(one, 7)
    (row,) = await one.rows(tables.digests)
    assert row.next_try_at == one.timer() + min(wait, DAY)


async def set_times(desk: Desk, at: datetime) -> None:
    async with transaction(desk.engine) as connection:
        await connection.execute(tables.digests.update().values(next_try_at=at, claimed_until=at))


async def test_an_article_that_came_while_the_clock_was_ahead_is_in_the_next_digest(
    desk: Desk,
) -> None:
    await desk.subscribe(a_subscription())
    desk.clock.now = START + YEAR
    await desk.receive(an_article_event(1, START + YEAR))
    assert await a_day(desk, 7) == 1
    assert await desk.told() == {(1, "article"), (7, "article")}


async def test_who_subscribed_while_the_clock_was_ahead_does_not_wait_until_then(
    desk: Desk,
) -> None:
    ahead = START + YEAR
    await desk.subscribe(a_subscription(created_at=ahead, confirmed_at=ahead))
    assert await a_day(desk, 7) == 0  # what was due before it was seen is nobody's
    assert await a_day(desk, 8) == 1
    assert await desk.told() == {(7, "article"), (8, "article")}
