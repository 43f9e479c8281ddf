"""Once per person: over subscriptions, topics and notifiers; and notices to exactly those sent."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier import changes, suppression, tables
from services.notifier.plan import Terms, cut
from shared.article import Status
from shared.database import make_engine
from shared.errors import Permanent
from shared.migrate import upgrade
from tests.unit.notifier.kit import START, Desk, a_poll_event, a_subscription, an_article_event
from tests.unit.notifier.people import do, kept, who

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ME = "me@example.org"
OTHER_TOPIC = "other-topic"


def mine(name: str, **wish: Any) -> Any:
    return a_subscription(**{"id": name, "address": ME, **wish})


async def poll(desk: Desk, day: int, *pmids: int, **changes_to: Any) -> None:
    """A poll of that day in September, with these articles, in both topics."""
    at = START + (day - 7) * DAY
    desk.clock.now = at
    for topic in ("car-autoimmune", OTHER_TOPIC):
        name = f"p{day}-{topic}"
        events = [
            an_article_event(pmid, at, poll=name, topic=topic, **changes_to) for pmid in pmids
        ]
        await desk.receive(*events, a_poll_event(at, poll=name, topic=topic, announced=len(pmids)))


async def retract(desk: Desk, pmid: int, day: int, status: Status = Status.RETRACTED) -> None:
    fields = {"status": status, "revision": day, "previous_status": Status.PUBLISHED}
    await poll(desk, day, pmid, **fields)


async def all_told(desk: Desk) -> list[tuple[str, int, str]]:
    rows = await desk.rows(tables.ledger)
    return sorted((row.subscription_id, row.pmid, row.kind) for row in rows)


async def test_a_paper_comes_once_to_a_person_with_two_subscriptions(desk: Desk) -> None:
    desk.senders = {"email": desk.sender, "capture": desk.sender}  # whichever has its turn first
    await desk.subscribe(
        mine("a"), mine("b", hour=9, address="ME@example.org"), mine("c", channel="capture")
    )
    await poll(desk, 7, 1)
    assert await desk.at(8) == 1
    assert await desk.at(10) == 0
    await poll(desk, 8, 2)
    assert await desk.at(10, day=8) == 1
    assert [pmid for _, pmid, _ in await all_told(desk)] == [1, 2]


async def test_and_once_where_two_topics_have_it(desk: Desk) -> None:
    await desk.subscribe(mine("a"), mine("b", topic=OTHER_TOPIC, background=True))
    await poll(desk, 7, 1)
    await poll(desk, 7, 2, backfill=True)
    await desk.at(8)
    assert sorted(pmid for _, pmid, _ in await all_told(desk)) == [1, 2]


async def test_two_persons_are_two(desk: Desk) -> None:
    await desk.subscribe(mine("a"), a_subscription(id="b"))
    await poll(desk, 7, 1)
    assert await desk.at(8) == 2


async def test_what_a_subscription_that_was_left_has_sent_is_not_sent_by_the_next(
    desk: Desk,
) -> None:
    await desk.subscribe(mine("a"))
    await poll(desk, 7, 1)
    await desk.at(8)
    await do(desk, changes.leave, "a")
    await desk.subscribe(mine("b"))
    await poll(desk, 8, 2)
    await desk.at(8, day=8)
    assert await all_told(desk) == [("a", 1, "article"), ("b", 2, "article")]


async def test_two_notifiers_that_cut_for_one_person_at_once_do_not_both_take_a_paper(
    database: AsyncEngine,
) -> None:
    await upgrade(database, "notifier")
    desk, second = Desk(database), make_engine(database.url.render_as_string(hide_password=False))
    await desk.subscribe(*(mine(f"s{n}") for n in range(6)))
    await poll(desk, 7, 1, 2, 3)
    now, terms = START + 8 * HOUR, Terms(timedelta())
    engines = [database, second] * 3
    try:
        found = await asyncio.gather(
            *(cut(engine, f"s{n}", now, terms) for n, engine in enumerate(engines))
        )
    finally:
        await second.dispose()
    assert sorted(digest.total for digest in found if digest)[-2:] == [0, 3]
    assert sorted(pmid for _, pmid, _ in await all_told(desk)) == [1, 2, 3]


async def test_a_notice_comes_by_the_subscription_that_sent_the_paper_and_once(desk: Desk) -> None:
    await desk.subscribe(
        mine("a"),
        mine("b", topic=OTHER_TOPIC),
        a_subscription(id="stranger", created_at=START + 5 * DAY),
    )
    await poll(desk, 7, 1)
    await desk.at(8)
    await retract(desk, 1, 8)
    await desk.at(8, day=8)
    await poll(desk, 9)
    await desk.at(8, day=9)
    assert await all_told(desk) == [("a", 1, "article"), ("a", 1, "notice:retracted")]


async def test_when_that_subscription_has_ended_another_one_of_the_person_tells(
    desk: Desk,
) -> None:
    await desk.subscribe(mine("a"), mine("b", topic=OTHER_TOPIC))
    await poll(desk, 7, 1)
    await desk.at(8)
    await do(desk, changes.leave, "a")
    await retract(desk, 1, 8)
    await desk.at(8, day=8)
    assert await all_told(desk) == [("a", 1, "article"), ("b", 1, "notice:retracted")]


AT_ONCE = {"notices": "at-once"}


async def sent_a_paper(desk: Desk, **wish: Any) -> None:
    await desk.subscribe(mine("a", **{**AT_ONCE, **wish}), a_subscription(id="later"))
    await poll(desk, 7, 1)
    assert await desk.at(8) == 2
    desk.sender.sent.clear()


async def test_a_notice_at_once_goes_out_at_once_to_exactly_those_and_never_again(
    desk: Desk,
) -> None:
    await sent_a_paper(desk)
    await desk.subscribe(a_subscription(id="new", created_at=START + 9 * HOUR, **AT_ONCE))
    await retract(desk, 1, 8)
    assert await desk.at(1, day=8) == 1
    ((address, mail),) = desk.sender.sent
    assert address == ME
    assert "retract" in str(mail["Subject"]).lower()
    assert await desk.deliver() == 0
    assert await desk.at(8, day=8) == 1  # the one who waits for the next digest
    assert [notice for notice in await all_told(desk) if notice[2] != "article"] == [
        ("a", 1, "notice:retracted"), ("later", 1, "notice:retracted"),
    ]  # fmt: skip


async def test_it_is_a_message_of_its_own_and_moves_no_period(desk: Desk) -> None:
    await sent_a_paper(desk)
    await retract(desk, 1, 8)
    await desk.at(3, day=8)
    await poll(desk, 9, 2)
    await desk.at(8, day=9)
    rows = [row for row in await desk.rows(tables.digests) if row.subscription_id == "a"]
    first, notice, digest = sorted(rows, key=lambda row: row.period_to)
    assert (first.kind, notice.kind, digest.kind) == ("digest", "notice", "digest")
    assert (notice.content["total"], len(notice.content["notices"])) == (0, 1)
    assert digest.period_from == first.period_to
    assert len({row.message_id for row in rows}) == 3


@pytest.mark.parametrize("status", [Status.CORRECTED, Status.CONCERN, Status.RETRACTED])
async def test_in_a_pause_only_what_is_grave_is_told_at_once_and_the_rest_in_the_catch_up(
    desk: Desk, status: Status
) -> None:
    await sent_a_paper(desk)
    await do(desk, changes.pause, "a", START + 3 * DAY, START + 9 * HOUR)
    await retract(desk, 1, 8, status)
    is_grave = status is Status.RETRACTED
    assert await desk.at(1, day=8) == int(is_grave)
    await poll(desk, 10)
    await desk.at(8, day=10)
    told = [row for row in await all_told(desk) if row[0] == "a" and row[2] != "article"]
    assert told == [("a", 1, f"notice:{status.value}")]


async def test_a_notice_that_was_given_up_is_left_to_the_digest(desk: Desk) -> None:
    await sent_a_paper(desk)
    await retract(desk, 1, 8)
    desk.sender.faults = [Permanent("refused for its content")]
    assert await desk.at(1, day=8) == 0
    assert await desk.at(2, day=8) == 0
    rows = [row for row in await desk.rows(tables.digests) if row.kind == "notice"]
    assert [row.state for row in rows] == ["failed"]
    assert await desk.at(8, day=8) == 2
    assert ("a", 1, "notice:retracted") in await all_told(desk)


async def test_nobody_who_left_or_is_suppressed_gets_a_notice(desk: Desk) -> None:
    await sent_a_paper(desk)
    await do(desk, changes.leave, "later")
    await do(desk, suppression.suppress, who("me"), "bounce", START)
    await retract(desk, 1, 8)
    assert await desk.at(8, day=8) == 0


async def test_a_catch_up_covers_the_pause_says_so_and_is_ranked(desk: Desk) -> None:
    await desk.subscribe(mine("a", max_items=2))
    await poll(desk, 7, 1)
    await desk.at(8)
    await do(desk, changes.pause, "a", START + 4 * DAY, START + 9 * HOUR)
    for day, pmid in ((8, 2), (9, 3), (10, 4), (11, 5)):
        await poll(desk, day, pmid, relatedness=pmid / 10)
        await desk.at(8, day=day)
    _, digest = await desk.contents()
    assert digest.catch_up_from == START + 9 * HOUR
    assert digest.period_from == START + 7 * HOUR
    assert [item.pmid for item in digest.items] == [5, 4, 3, 2]
    assert (len(digest.shown), digest.more) == (2, 2)
    assert (await kept(desk, "a")).subscription.paused_at is None

    await poll(desk, 12, 6)
    await desk.at(8, day=12)
    assert (await desk.contents())[-1].catch_up_from is None


async def test_resumed_at_once_the_next_digest_catches_up(desk: Desk) -> None:
    await desk.subscribe(mine("a"))
    await do(desk, changes.pause, "a", None, START)
    await poll(desk, 7, 1)
    assert await desk.at(8) == 0
    assert await do(desk, changes.resume, "a", START + 10 * HOUR)
    assert await desk.at(11) == 0
    await poll(desk, 8, 2)
    assert await desk.at(8, day=8) == 1
    (digest,) = await desk.contents()
    assert sorted(item.pmid for item in digest.items) == [1, 2]


@pytest.mark.parametrize("cadence", ["immediate", "daily", "weekly", "monthly"])
async def test_a_cadence_changed_in_a_pause_loses_and_repeats_nothing(
    desk: Desk, cadence: str
) -> None:
    await desk.subscribe(mine("a", day=25, weekday="saturday"))
    await poll(desk, 7, 1)
    await desk.at(8)
    await do(desk, changes.pause, "a", START + 2 * DAY, START + 9 * HOUR)
    await poll(desk, 8, 2)
    await desk.at(8, day=8)
    await do(desk, changes.change, "a", {"cadence": cadence})
    for day in range(9, 31):
        await poll(desk, day, *([3] if day == 9 else []))
        await desk.at(8, day=day)
    assert sorted(pmid for _, pmid, _ in await all_told(desk)) == [1, 2, 3]


async def test_who_comes_back_begins_anew_and_is_sent_nothing_twice(desk: Desk) -> None:
    await desk.subscribe(mine("a"))
    await poll(desk, 7, 1)
    await desk.at(8)
    await do(desk, changes.leave, "a")
    await poll(desk, 8, 2)
    await poll(desk, 50, 3)
    back = START + 45 * DAY
    assert await do(desk, changes.ask, mine("a"), back) == "asked"
    await do(desk, changes.confirm, "a", back)
    desk.clock.now = desk.timer.now = back + 8 * HOUR
    assert await desk.deliver() == 1
    assert [pmid for _, pmid, _ in await all_told(desk)] == [1, 3]
