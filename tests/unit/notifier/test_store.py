"""Events become rows: once, the latest revision, on each kind of database."""

import asyncio
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from services.notifier import listing, run, store, subscribers, tables
from services.notifier.entries import parse
from services.notifier.handlers import handler
from services.notifier.project import Known
from shared.article import Status
from shared.database import transaction
from shared.errors import Permanent
from shared.events import Undecodable
from tests.builders import a_classification, an_article, digest_delivered, discovered
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event

HOUR = timedelta(hours=1)


async def test_an_article_is_remembered_with_its_times_and_scope(desk: Desk) -> None:
    desk.clock.advance(hours=2)
    await desk.receive(an_article_event(1, START, backfill=True))
    (row,) = await desk.rows(tables.articles)
    assert (row.pmid, row.scope, row.status, row.backfill) == (1, "core", "published", True)
    assert (row.discovered_at, row.first_seen_at) == (START, START + 2 * HOUR)
    assert row.status_changed_at is None


async def test_the_same_event_twice_is_one_row(desk: Desk) -> None:
    event = an_article_event(1, START)
    await desk.receive(event, event)
    assert len(await desk.rows(tables.articles)) == 1
    assert len(await desk.rows(tables.received)) == 1
    assert len(await desk.rows(tables.inbox)) == 1


async def test_the_same_poll_twice_is_one_row(desk: Desk) -> None:
    event = a_poll_event(START)
    await desk.receive(event, event)
    (row,) = await desk.rows(tables.polls)
    assert row.poll["poll_id"] == "p1"


async def test_a_late_older_revision_changes_nothing_but_is_counted_for_its_poll(
    desk: Desk,
) -> None:
    newer = an_article_event(1, START + HOUR, poll="p2", revision=2, status=Status.RETRACTED)
    await desk.receive(newer, an_article_event(1, START, poll="p1"))
    (row,) = await desk.rows(tables.articles)
    assert (row.revision, row.status) == (2, "retracted")
    assert row.discovered_at == START
    async with transaction(desk.engine) as connection:
        counts = await store.received_counts(connection, "car-autoimmune", ["p1", "p2", "p3"])
    assert counts == {"p1": 1, "p2": 1}


async def test_the_source_is_well_since_the_first_poll_after_the_last_that_was_not(
    desk: Desk,
) -> None:
    topic = "car-autoimmune"
    state = [True, False, False, True, True]
    await desk.receive(
        *(
            a_poll_event(START + n * HOUR, poll=f"p{n}", healthy=well)
            for n, well in enumerate(state)
        )
    )
    async with transaction(desk.engine) as connection:
        found = [
            await store.healthy_since(connection, topic, START + hours * HOUR) for hours in (0, 4)
        ]
        none = await store.healthy_since(connection, "nothing", START)
    assert found == [START, START + 3 * HOUR]
    assert none is None


async def test_who_lost_the_race_to_be_first_is_told_so_and_changes_nothing(desk: Desk) -> None:
    await desk.receive(an_article_event(1, START + HOUR, revision=2))
    older = an_article_event(1, START).data  # type: ignore[attr-defined]
    async with transaction(desk.engine) as connection:
        lost = await store.keep_first(connection, [Known(older, START, START, START)])
    assert lost == {("car-autoimmune", 1)}
    (row,) = await desk.rows(tables.articles)
    assert row.revision == 2


async def test_one_article_of_two_topics_is_two_rows(desk: Desk) -> None:
    await desk.receive(an_article_event(1, START), an_article_event(1, START, topic="other"))
    assert {row.topic for row in await desk.rows(tables.articles)} == {"car-autoimmune", "other"}


@pytest.mark.parametrize("event", [discovered(), digest_delivered()])
async def test_an_event_that_is_not_ours_is_a_fault_of_the_topology(
    one: Desk, event: object
) -> None:
    with pytest.raises(Permanent, match="is not for the notifier: correct the binding"):
        await one.receive(event)  # type: ignore[arg-type]
    assert await one.rows(tables.inbox) == []


async def test_what_is_no_event_is_undecodable(one: Desk) -> None:
    with pytest.raises(Undecodable):
        await handler(one.engine, one.clock)(b'{"type": "carillon.article.classified.v9"}')


async def test_polls_are_found_by_the_time_they_ended(desk: Desk) -> None:
    await desk.receive(
        a_poll_event(START, poll="p1"),
        a_poll_event(START + HOUR, poll="p2"),
        a_poll_event(START + 2 * HOUR, poll="p3", healthy=False),
        a_poll_event(START + 3 * HOUR, poll="p4", topic="other"),
    )
    end = START + 3 * HOUR
    async with transaction(desk.engine) as connection:
        found = await store.polls_between(connection, "car-autoimmune", START, end)
        last = await store.last_poll(connection, "car-autoimmune", end)
        healthy = await store.last_poll(connection, "car-autoimmune", end, healthy=True)
        none = await store.last_poll(connection, "nothing", end)
    assert [poll.poll_id for poll in found] == ["p2", "p3"]
    assert (last and last.poll_id, healthy and healthy.poll_id, none) == ("p3", "p2", None)


async def test_a_subscription_comes_back_as_it_was_saved(desk: Desk) -> None:
    wanted = a_subscription(cadence="weekly", weekday="friday", max_items=7, time_zone="Asia/Tokyo")
    await desk.subscribe(wanted)
    async with transaction(desk.engine) as connection:
        assert await subscribers.mailable(connection) == [wanted]
        assert await subscribers.lock(connection, "reader") == wanted
        assert await subscribers.lock(connection, "nobody") is None


async def test_an_unconfirmed_subscription_is_not_mailable(desk: Desk) -> None:
    await desk.subscribe(a_subscription(confirmed_at=None))
    async with transaction(desk.engine) as connection:
        assert await subscribers.mailable(connection) == []
        assert await subscribers.lock(connection, "reader") is None


async def test_saving_again_keeps_the_first_times_and_takes_the_new_wish(desk: Desk) -> None:
    await desk.subscribe(a_subscription())
    later = START + HOUR
    await desk.subscribe(a_subscription(hour=9, created_at=later, confirmed_at=later))
    async with transaction(desk.engine) as connection:
        (found,) = await subscribers.mailable(connection)
    assert (found.hour, found.created_at, found.confirmed_at) == (9, START, START)


async def test_a_confirmation_counts_from_when_it_is_read(desk: Desk) -> None:
    await desk.subscribe(a_subscription(confirmed_at=None))
    desk.clock.advance(hours=5)
    await desk.subscribe(a_subscription())
    async with transaction(desk.engine) as connection:
        (found,) = await subscribers.mailable(connection)
    assert found.confirmed_at == START + 5 * HOUR


async def sync(desk: Desk, *ids: str) -> dict[str, bool]:
    async with transaction(desk.engine) as connection:
        wanted = [a_subscription(id=name) for name in ids]
        await listing.sync_file(connection, wanted, desk.clock())
    return {row.id: row.active for row in await desk.rows(tables.subscriptions)}


async def test_an_entry_removed_from_the_file_is_switched_off_and_may_return(desk: Desk) -> None:
    assert await sync(desk, "a", "b") == {"a": True, "b": True}
    assert await sync(desk, "b") == {"a": False, "b": True}
    assert await sync(desk, "a", "b") == {"a": True, "b": True}
    assert await sync(desk) == {"a": False, "b": False}


ENTRY = (
    '[[subscription]]\ntopic="car-autoimmune"\naddress="r@example.org"\n'
    'confirmed=true\ncadence="daily"\n'
)


async def test_an_entry_that_is_given_an_id_takes_its_row_and_ledger_along(desk: Desk) -> None:
    await run.sync(desk.engine, parse(ENTRY, "f", desk.clock()), desk.clock)
    await desk.receive(an_article_event(1, START), a_poll_event(START, announced=1))
    assert await desk.at(8) == 1

    await run.sync(desk.engine, parse(f'{ENTRY}id="named"\n', "f", desk.clock()), desk.clock)
    (row,) = await desk.rows(tables.subscriptions)
    assert (row.id, row.active, row.created_at) == ("named", True, START)
    await desk.receive(a_poll_event(START + 24 * HOUR, poll="p2"))
    assert await desk.at(8, day=8) == 0
    assert await desk.told("named") == {(1, "article")}


async def test_two_entries_of_one_address_keep_apart_what_each_was_told(desk: Desk) -> None:
    await run.sync(desk.engine, parse(ENTRY, "f", desk.clock()), desk.clock)
    both = f'{ENTRY}{ENTRY}id="second"\n'
    await run.sync(desk.engine, parse(both, "f", desk.clock()), desk.clock)
    assert len([row for row in await desk.rows(tables.subscriptions) if row.active]) == 2


async def test_how_many_the_file_switches_off_is_logged_also_when_it_is_empty(one: Desk) -> None:
    wanted = [a_subscription(id=name) for name in ("a", "b")]
    await run.sync(one.engine, wanted, one.clock)
    with capture_logs() as logs:
        await run.sync(one.engine, [], one.clock)
        await run.sync(one.engine, [], one.clock)
    assert logs == [
        {
            "event": "subscriptions_switched_off", "log_level": "warning",
            "switched_off": 2, "listed": 0,
        }
    ]  # fmt: skip


async def test_the_file_leaves_alone_what_the_console_added(desk: Desk) -> None:
    await desk.subscribe(a_subscription(id="by-hand"))
    assert await sync(desk) == {"by-hand": True}


async def test_the_file_does_not_revive_what_delivery_switched_off(desk: Desk) -> None:
    await sync(desk, "a")
    async with transaction(desk.engine) as connection:
        await subscribers.deactivate(connection, "a", "SMTP server rejected the recipient")
    assert await sync(desk, "a") == {"a": False}
    async with transaction(desk.engine) as connection:
        assert await subscribers.activate(connection, "a")
        assert not await subscribers.activate(connection, "nobody")
    assert await sync(desk, "a") == {"a": True}


async def test_a_new_address_revives_a_subscription(desk: Desk) -> None:
    await desk.subscribe(a_subscription())
    async with transaction(desk.engine) as connection:
        await subscribers.deactivate(connection, "reader", "rejected")
    await desk.subscribe(a_subscription(address="new@example.org"))
    (row,) = await desk.rows(tables.subscriptions)
    assert (row.active, row.inactive_reason, row.address) == (True, None, "new@example.org")


@pytest.mark.parametrize(("backfill", "told"), [(False, {(1, "article")}), (True, set())])
async def test_a_paper_whose_abstract_comes_after_forty_days_is_told_unless_it_was_backfill(
    desk: Desk, backfill: bool, told: set[tuple[int, str]]
) -> None:
    await desk.subscribe(a_subscription())
    title = an_article(pmid=1, abstract=())
    outside = a_classification(scope="none", labels=())
    await desk.receive(
        an_article_event(1, START, article=title, classification=outside, backfill=backfill),
        a_poll_event(START, announced=1),
    )
    for day in (0, 20, 39):
        at = START + timedelta(days=day)
        desk.clock.now = desk.timer.now = at + 8 * HOUR
        await desk.receive(a_poll_event(at + HOUR, poll=f"q{day}"))
        assert await desk.deliver() == 0

    at = START + timedelta(days=40)
    desk.clock.now = desk.timer.now = at + 8 * HOUR
    await desk.receive(
        an_article_event(1, at, poll="r", revision=2, discovered_at=START, changed=("abstract",)),
        a_poll_event(at, poll="r", announced=1),
    )
    await desk.deliver()
    assert await desk.told() == told


async def test_two_notifiers_that_start_at_once_read_one_file(desk: Desk) -> None:
    """Both find an empty table; who comes second must find the other's rows and not break."""
    entries = [f'{ENTRY}id="s{number}"\n' for number in range(30)]
    wanted = parse("\n".join(entries), "f", desk.clock())

    await asyncio.gather(*(run.sync(desk.engine, wanted, desk.clock) for _ in range(4)))

    async with transaction(desk.engine) as connection:
        assert len(await subscribers.mailable(connection)) == 30
