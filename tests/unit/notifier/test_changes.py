"""What readers do with their subscriptions: confirm, pause, change, leave, and come back."""

from datetime import timedelta

import pytest

from services.notifier import changes, subscribers, tables
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event
from tests.unit.notifier.people import VAULT, a_hook, do, kept, may_be_mailed

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def test_who_asks_by_a_page_is_mailed_only_once_they_have_confirmed(desk: Desk) -> None:
    assert await do(desk, changes.ask, a_subscription(), START) == "asked"
    assert await do(desk, may_be_mailed) == []
    assert await do(desk, changes.confirm, "reader", START + HOUR)
    assert await do(desk, may_be_mailed) == ["reader"]
    assert (await kept(desk)).subscription.confirmed_at == START + HOUR


async def test_confirming_again_changes_nothing_and_nobody_else_can_be_confirmed(
    desk: Desk,
) -> None:
    await do(desk, changes.ask, a_subscription(), START)
    for hours in (1, 2):
        assert await do(desk, changes.confirm, "reader", START + hours * HOUR)
    assert (await kept(desk)).subscription.confirmed_at == START + HOUR
    assert not await do(desk, changes.confirm, "nobody", START)


async def test_a_stranger_cannot_change_what_somebody_has_confirmed(desk: Desk) -> None:
    await desk.subscribe(a_subscription(hour=7))
    assert await do(desk, changes.ask, a_subscription(hour=9), START + DAY) == "known"
    assert (await kept(desk)).subscription.hour == 7
    assert await do(desk, may_be_mailed) == ["reader"]


async def test_a_wish_that_was_never_confirmed_is_replaced(desk: Desk) -> None:
    await do(desk, changes.ask, a_subscription(hour=7), START)
    assert await do(desk, changes.ask, a_subscription(hour=9), START + DAY) == "asked"
    found = (await kept(desk)).subscription
    assert (found.hour, found.created_at, found.confirmed_at) == (9, START + DAY, None)


async def test_who_left_gets_nothing_from_then_on_and_can_confirm_a_new_wish(desk: Desk) -> None:
    await desk.subscribe(a_subscription())
    assert await do(desk, changes.leave, "reader")
    assert await do(desk, may_be_mailed) == []
    assert not await do(desk, changes.confirm, "reader", START)
    assert (await kept(desk)).inactive_reason == subscribers.LEFT

    assert await do(desk, changes.ask, a_subscription(), START + DAY) == "asked"
    assert await do(desk, may_be_mailed) == []
    assert await do(desk, changes.confirm, "reader", START + DAY)
    assert await do(desk, may_be_mailed) == ["reader"]
    assert not await do(desk, changes.leave, "nobody")


async def test_a_digest_that_waits_when_its_reader_leaves_is_not_sent(desk: Desk) -> None:
    await desk.subscribe(a_subscription())
    await desk.receive(an_article_event(1, START), a_poll_event(START, announced=1))
    desk.sender.faults = [RuntimeError("away")]
    await desk.at(8)
    await do(desk, changes.leave, "reader")
    desk.timer.advance(days=1)
    assert await desk.deliver() == 0
    assert desk.sender.sent == []


@pytest.mark.parametrize("origin", ["file", "console"])
async def test_only_a_new_statement_of_the_operator_brings_back_who_left(
    desk: Desk, origin: str
) -> None:
    await desk.subscribe(a_subscription())
    await do(desk, changes.leave, "reader")
    unsaid = a_subscription(confirmed_at=None)
    await do(desk, subscribers.save, unsaid, origin, START + DAY)
    assert await do(desk, may_be_mailed) == []

    await do(desk, subscribers.save, a_subscription(), origin, START + DAY)
    assert await do(desk, may_be_mailed) == (["reader"] if origin == "console" else [])


async def test_a_pause_begins_ends_and_continues(desk: Desk) -> None:
    await desk.subscribe(a_subscription())
    assert await do(desk, changes.pause, "reader", START + 9 * DAY, START + DAY)
    found = (await kept(desk)).subscription
    assert (found.paused_at, found.paused_until) == (START + DAY, START + 9 * DAY)
    assert found.is_paused(START + 2 * DAY)
    assert not found.is_paused(START + 9 * DAY)

    assert await do(desk, changes.resume, "reader", START + 3 * DAY)
    assert not (await kept(desk)).subscription.is_paused(START + 3 * DAY)
    assert not await do(desk, changes.resume, "reader", START + 4 * DAY)

    assert await do(desk, changes.pause, "reader", None, START + 5 * DAY)
    found = (await kept(desk)).subscription
    assert (found.paused_at, found.paused_until) == (START + DAY, None)
    assert found.is_paused(START + 999 * DAY)
    assert not await do(desk, changes.pause, "nobody", None, START)
    assert not await do(desk, changes.resume, "nobody", START)


async def test_choices_are_changed_and_the_rest_stays(desk: Desk) -> None:
    await do(desk, subscribers.save, a_hook(), "web", START, VAULT)
    before = await kept(desk)
    after = await do(desk, changes.change, "reader", {"cadence": "monthly", "day": 31})
    found = await kept(desk)
    assert found.subscription == after
    assert (found.subscription.cadence, found.subscription.day) == ("monthly", 31)
    assert found.subscription.address == before.subscription.address
    assert found.subscription.secret == before.subscription.secret
    assert (found.recipient, found.origin) == (before.recipient, before.origin)
    assert await do(desk, changes.change, "nobody", {"hour": 9}) is None


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"hour": 24}, "hour: Input should be less than or equal to 23"),
        ({"address": "other@example.org"}, "address: cannot be changed"),
        ({"confirmed_at": START}, "confirmed_at: cannot be changed"),
        ({"cadence": "immediate", "when_empty": "heartbeat"}, "a heartbeat every quarter"),
    ],
)
async def test_a_choice_that_cannot_be_is_refused(
    one: Desk, choices: dict[str, object], said: str
) -> None:
    await one.subscribe(a_subscription())
    before = await kept(one)
    with pytest.raises(changes.Refused, match=said):
        await do(one, changes.change, "reader", choices)
    assert await kept(one) == before


async def test_who_never_confirmed_is_forgotten_and_nobody_else(desk: Desk) -> None:
    await do(desk, changes.ask, a_subscription(id="old"), START)
    await do(desk, changes.ask, a_subscription(id="new"), START + 2 * DAY)
    await do(desk, changes.ask, a_subscription(id="sure"), START)
    await do(desk, changes.confirm, "sure", START)
    await desk.subscribe(a_subscription(id="by-hand", confirmed_at=None))

    assert await do(desk, changes.purge_unconfirmed, START + DAY) == 1
    left = {row.id for row in await desk.rows(tables.subscriptions)}
    assert left == {"new", "sure", "by-hand"}
