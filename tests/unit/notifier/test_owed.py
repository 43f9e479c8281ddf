"""What a digest that was given up has freed is owed, however late that was."""

from datetime import timedelta

import pytest

from services.notifier import changes
from shared.database import transaction
from shared.errors import Permanent, Retryable
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event

DAY = timedelta(days=1)
NEVER = Permanent("this message will never be taken")


async def on_day(desk: Desk, day: int, *pmids: int) -> int:
    """So many days after the start: a poll that brings these articles, and a round at eight."""
    at, poll = START + day * DAY, f"p{day}"
    desk.clock.now = desk.timer.now = at
    found = [an_article_event(pmid, at, poll=poll) for pmid in pmids]
    await desk.receive(*found, a_poll_event(at, poll=poll, announced=len(pmids)))
    desk.clock.now = desk.timer.now = at + timedelta(hours=8)
    return await desk.deliver()


async def looked_from(desk: Desk) -> timedelta:
    """How long before its due instant the last digest looked for news."""
    *_, last = await desk.contents()
    assert last.news_from is not None
    return last.period_to - last.news_from


@pytest.mark.parametrize("dead", [1, 20, 40, 400])
async def test_a_digest_given_up_when_the_next_was_cut_already_loses_no_paper(
    desk: Desk, dead: int
) -> None:
    await desk.subscribe(a_subscription())
    desk.sender.faults = [Retryable("later")]
    assert await on_day(desk, 0, 1) == 0
    desk.sender.faults = [NEVER]
    assert await on_day(desk, dead, 2) == 1
    assert await desk.told() == {(2, "article")}

    assert await on_day(desk, dead + 1, 3) == 1
    assert await desk.told() == {(1, "article"), (2, "article"), (3, "article")}


async def test_what_was_made_up_for_is_not_looked_for_again(one: Desk) -> None:
    await one.subscribe(a_subscription())
    one.sender.faults = [Retryable("later")]
    await on_day(one, 0, 1)
    one.sender.faults = [NEVER]
    await on_day(one, 40, 2)
    assert await on_day(one, 41, 3) == 1
    assert await looked_from(one) > 41 * DAY
    await on_day(one, 42, 4)
    await on_day(one, 43, 5)
    assert await looked_from(one) == 31 * DAY  # thirty before the last one was due


async def test_a_digest_that_makes_up_for_one_and_is_given_up_too_leaves_it_owed(
    one: Desk,
) -> None:
    await one.subscribe(a_subscription())
    one.sender.faults = [Retryable("later")]
    await on_day(one, 0, 1)
    one.sender.faults = [NEVER]
    await on_day(one, 40, 2)
    one.sender.faults = [Retryable("later")]
    await on_day(one, 41, 3)
    one.sender.faults = [NEVER]
    await on_day(one, 90, 4)
    assert await on_day(one, 91) == 1
    assert {pmid for pmid, _ in await one.told()} == {1, 2, 3, 4}


async def test_what_one_subscription_owed_is_brought_by_another_of_the_same_person(
    desk: Desk,
) -> None:
    for name in ("one", "two"):
        await desk.subscribe(a_subscription(id=name, address="reader@example.org"))
    desk.sender.faults = [Retryable("later"), Retryable("later")]
    await on_day(desk, 0, 1)
    holder = "one" if await desk.told("one") else "two"
    async with transaction(desk.engine) as connection:
        await changes.leave(connection, holder)

    await on_day(desk, 40, 2)
    await on_day(desk, 41, 3)
    told = await desk.told("one") | await desk.told("two")
    assert told == {(1, "article"), (2, "article"), (3, "article")}
