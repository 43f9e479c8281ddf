"""Who ended a subscription, and what strangers and files can then do in their name: nothing."""

from datetime import timedelta

from services.notifier import changes, listing, subscribers, tables
from services.notifier.web.manage import act_on
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event
from tests.unit.notifier.people import do, kept, may_be_mailed

DAY = timedelta(days=1)


async def test_the_file_does_not_mail_who_left_after_a_stranger_asked_for_them(
    desk: Desk,
) -> None:
    listed = [a_subscription()]
    await do(desk, listing.sync_file, listed, START)
    await do(desk, changes.leave, "reader")
    assert await do(desk, changes.ask, a_subscription(confirmed_at=None), START + DAY) == "asked"
    for days in (2, 9):
        await do(desk, listing.sync_file, listed, START + days * DAY)
        await do(desk, changes.purge_unconfirmed, START + days * DAY)
        assert await do(desk, may_be_mailed) == []


async def test_nor_where_the_wish_is_forgotten_before_the_file_is_read_again(desk: Desk) -> None:
    listed = [a_subscription()]
    await do(desk, listing.sync_file, listed, START)
    await do(desk, changes.leave, "reader")
    await do(desk, changes.ask, a_subscription(confirmed_at=None), START + DAY)
    await do(desk, changes.purge_unconfirmed, START + 9 * DAY)
    await do(desk, listing.sync_file, listed, START + 9 * DAY)
    assert await do(desk, may_be_mailed) == []


async def test_who_left_and_asked_anew_confirms_even_if_the_file_was_read_meanwhile(
    desk: Desk,
) -> None:
    listed = [a_subscription()]
    await do(desk, listing.sync_file, listed, START)
    await do(desk, changes.leave, "reader")
    await do(desk, changes.ask, a_subscription(confirmed_at=None), START + DAY)
    await do(desk, listing.sync_file, listed, START + DAY)
    assert await do(desk, changes.confirm, "reader", START + DAY)
    assert await do(desk, may_be_mailed) == ["reader"]
    assert (await kept(desk)).inactive_reason is None
    await do(desk, listing.sync_file, listed, START + 2 * DAY)
    assert await do(desk, may_be_mailed) == ["reader"]


async def test_a_wish_for_an_ended_one_that_nobody_confirms_takes_nothing_off_the_record(
    desk: Desk,
) -> None:
    address = a_subscription().address
    await desk.subscribe(a_subscription())
    await desk.receive(an_article_event(1, START), a_poll_event(START, announced=1))
    await desk.at(8)
    await do(desk, changes.leave, "reader")
    await do(desk, changes.ask, a_subscription(confirmed_at=None), START + DAY)

    assert await do(desk, changes.purge_unconfirmed, START + 5 * DAY) == 1
    found = await kept(desk)
    assert (found.active, found.inactive_reason) == (False, subscribers.LEFT)

    await desk.subscribe(a_subscription(id="again", address=address))
    await desk.receive(
        an_article_event(2, START, poll="p2"), a_poll_event(START, poll="p2", announced=1)
    )
    await desk.at(8, day=14)
    assert await desk.told("again") == {(2, "article")}


async def test_who_comes_back_by_the_mailed_link_is_mailed_again(desk: Desk) -> None:
    await desk.subscribe(a_subscription())
    await desk.receive(a_poll_event(START))
    await desk.at(8)
    await do(desk, changes.leave, "reader")
    await do(desk, changes.ask, a_subscription(confirmed_at=None), START + DAY)
    await do(desk, changes.purge_unconfirmed, START + 5 * DAY)
    await do(desk, act_on, await kept(desk), "return", "", START + 6 * DAY)
    assert await do(desk, may_be_mailed) == ["reader"]
    assert len(await desk.rows(tables.subscriptions)) == 1


async def test_an_entry_that_is_not_confirmed_takes_nothing_from_who_confirmed_by_a_page(
    desk: Desk,
) -> None:
    unsaid = a_subscription(confirmed_at=None)
    await do(desk, listing.sync_file, [unsaid], START)
    await do(desk, changes.ask, unsaid, START)
    await do(desk, changes.confirm, "reader", START)
    for _ in range(2):
        await do(desk, listing.sync_file, [unsaid], START + DAY)
        assert await do(desk, may_be_mailed) == ["reader"]
    await do(desk, listing.sync_file, [], START + DAY)
    assert await do(desk, may_be_mailed) == ["reader"]
