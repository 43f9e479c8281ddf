"""From events to mails, and what the ledger says of it, on each kind of database."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.notifier import subscribers, tables
from services.notifier.office import BACK_OFF, Office, Patience
from services.notifier.office import Desk as Working
from services.notifier.parcels import claimed
from services.notifier.run import load_subscriptions
from services.notifier.senders import Package, RecipientRejected, Target
from shared.article import Status
from shared.database import transaction
from shared.errors import ConfigurationError, Permanent, Retryable
from shared.events import DigestDelivered, decode
from tests.fakes import FakeSender
from tests.unit.notifier.kit import (
    IDENTITY,
    START,
    Desk,
    a_poll_event,
    a_subscription,
    an_article_event,
)

DAY = timedelta(days=1)
AWAY = Retryable("SMTP server: no answer in time; it is tried again")


class Killed(BaseException):
    """The process ends here: nothing may catch it."""


async def subscribed(desk: Desk, *ids: str) -> None:
    """Readers of a topic with two new articles."""
    await desk.subscribe(*(a_subscription(id=name) for name in ids or ("reader",)))
    events = [an_article_event(pmid, START) for pmid in (1, 2)]
    await desk.receive(*events, a_poll_event(START, announced=2))


async def next_poll(desk: Desk, day: int, *pmids: int) -> None:
    at = START + (day - 7) * DAY
    poll = f"p{day}"
    await desk.receive(
        *(an_article_event(pmid, at, poll=poll) for pmid in pmids),
        a_poll_event(at, poll=poll, announced=len(pmids)),
    )


async def test_a_due_digest_is_sent_and_recorded(desk: Desk) -> None:
    await subscribed(desk)
    assert await desk.at(8) == 1

    ((recipient, mail),) = desk.sender.sent
    assert recipient == "reader@example.org"
    assert mail["To"] == "reader@example.org"
    assert await desk.told() == {(1, "article"), (2, "article")}
    (row,) = await desk.rows(tables.digests)
    assert (row.state, row.attempts, row.sent_at) == ("sent", 1, desk.clock())
    assert row.message_id == mail["Message-ID"]
    assert all(row.delivered_at == desk.clock() for row in await desk.rows(tables.ledger))


async def test_an_event_tells_of_the_delivery_without_an_address(desk: Desk) -> None:
    await subscribed(desk)
    await desk.at(8)
    (row,) = await desk.rows(tables.outbox)
    event = decode(row.body)
    assert isinstance(event, DigestDelivered)
    assert (event.data.subscription_id, event.data.channel) == ("reader", "email")
    assert (set(event.data.pmids), event.data.message_id) == ({1, 2}, desk.sender.ids[0])
    assert b"@example.org>" not in row.body.replace(desk.sender.ids[0].encode(), b"")
    assert b"reader@" not in row.body


async def test_a_digest_is_sent_once(desk: Desk) -> None:
    await subscribed(desk)
    assert [await desk.at(8), await desk.at(9), await desk.at(23)] == [1, 0, 0]
    assert len(desk.sender.sent) == 1


async def test_a_revision_of_a_sent_article_is_not_sent_again(desk: Desk) -> None:
    await subscribed(desk)
    await desk.at(8)
    await desk.receive(an_article_event(1, START, poll="p8", revision=2))
    await desk.receive(a_poll_event(START + DAY, poll="p8", announced=1))
    assert await desk.at(8, day=8) == 0


async def test_an_unconfirmed_subscription_is_never_mailed(desk: Desk) -> None:
    await subscribed(desk)
    await desk.subscribe(a_subscription(id="stranger", confirmed_at=None))
    for day in (7, 8, 9):
        await desk.at(9, day=day)
    assert "stranger@example.org" not in {recipient for recipient, _ in desk.sender.sent}
    assert await desk.told("stranger") == set()


async def test_two_notifiers_at_once_send_one_mail(desk: Desk) -> None:
    await subscribed(desk, "a", "b", "c")
    desk.clock.advance(hours=8)
    counts = await asyncio.gather(*(desk.deliver() for _ in range(4)))
    assert sum(counts) == 3
    assert sorted(recipient for recipient, _ in desk.sender.sent) == [
        f"{name}@example.org" for name in "abc"
    ]


async def test_a_crash_after_the_server_accepted_means_the_same_mail_once_more(desk: Desk) -> None:
    await subscribed(desk)

    class Dying(FakeSender):
        async def send(self, package: Package, target: Target) -> None:
            await super().send(package, target)
            raise Killed

    survivor, desk.sender = desk.sender, Dying()
    with pytest.raises(Killed):
        await desk.at(8)
    first = desk.sender.sent
    desk.sender = survivor
    assert await desk.digests() == [("intent", 1)]
    assert await desk.told() == {(1, "article"), (2, "article")}

    assert await desk.deliver() == 0  # the lease of the dead one still holds
    desk.timer.advance(minutes=10)
    assert await desk.deliver() == 1
    assert await desk.deliver() == 0
    assert await desk.digests() == [("sent", 2)]
    assert [mail.as_bytes() for _, mail in desk.sender.sent] == [m.as_bytes() for _, m in first]
    assert len(await desk.rows(tables.outbox)) == 1


async def test_a_hand_over_that_outlasts_its_lease_is_recorded_once(desk: Desk) -> None:
    await subscribed(desk)
    other = Desk(desk.engine, desk.clock, desk.timer)
    counts = []

    class Slow(FakeSender):
        async def send(self, package: Package, target: Target) -> None:
            desk.timer.advance(minutes=10)
            counts.append(await other.deliver())
            await super().send(package, target)

    desk.sender = Slow()
    counts.append(await desk.at(8))
    assert counts == [1, 0]
    assert desk.sender.ids == other.sender.ids
    assert await desk.digests() == [("sent", 2)]
    assert len(await desk.rows(tables.outbox)) == 1


async def test_what_is_sent_again_is_what_was_stored_whatever_came_since(desk: Desk) -> None:
    await subscribed(desk)
    desk.sender.faults = [AWAY]
    await desk.at(8)
    await desk.receive(an_article_event(1, START, revision=2, status=Status.CORRECTED))
    desk.timer.advance(minutes=1)
    assert await desk.deliver() == 1
    (digest,) = await desk.contents()
    assert {item.status for item in digest.everything} == {Status.PUBLISHED}


async def test_a_failure_that_may_pass_is_tried_again_after_a_pause(desk: Desk) -> None:
    await subscribed(desk)
    desk.sender.faults = [AWAY, Retryable("later", retry_after=timedelta(hours=2))]
    assert await desk.at(8) == 0
    (row,) = await desk.rows(tables.digests)
    assert (row.state, row.attempts, row.error) == ("intent", 1, str(AWAY))
    assert row.next_try_at == desk.timer() + timedelta(minutes=1)

    assert await desk.deliver() == 0
    assert len(desk.sender.faults) == 1
    desk.timer.advance(minutes=1)
    assert await desk.deliver() == 0
    (row,) = await desk.rows(tables.digests)
    assert row.next_try_at == desk.timer() + timedelta(hours=2)

    desk.timer.advance(hours=2)
    assert await desk.deliver() == 1
    assert await desk.digests() == [("sent", 3)]


async def test_a_simulated_day_that_stands_still_does_not_hold_up_a_retry(desk: Desk) -> None:
    await subscribed(desk)
    desk.sender.faults = [AWAY]
    await desk.at(8)
    stood_still = desk.clock()
    desk.timer.advance(minutes=1)
    assert (await desk.deliver(), desk.clock()) == (1, stood_still)


async def test_after_a_day_of_failures_it_is_given_up_and_the_next_brings_the_articles(
    desk: Desk,
) -> None:
    await subscribed(desk)
    desk.sender.faults = [AWAY] * (len(BACK_OFF) + 1)
    await desk.at(8)
    for wait in BACK_OFF:
        desk.timer.advance(seconds=wait.total_seconds())
        await desk.deliver()
    (row,) = await desk.rows(tables.digests)
    assert (row.state, row.attempts) == ("failed", len(BACK_OFF) + 1)
    assert row.error == f"after 10 attempts: {AWAY}"
    assert await desk.told() == set()

    await next_poll(desk, 8, 3)
    assert await desk.at(8, day=8) == 1
    assert await desk.told() == {(1, "article"), (2, "article"), (3, "article")}
    *_, second = sorted(await desk.rows(tables.digests), key=lambda row: row.period_to)
    assert second.period_from == START - timedelta(days=30)


async def test_a_rejected_recipient_is_switched_off_and_its_articles_freed(desk: Desk) -> None:
    await subscribed(desk, "gone", "here")
    reason = "SMTP server rejected the recipient with 550 5.1.1"
    desk.sender.faults = [RecipientRejected(reason)]
    assert await desk.at(8) == 1

    rows = {row.id: row for row in await desk.rows(tables.subscriptions)}
    off = next(row for row in rows.values() if not row.active)
    assert off.inactive_reason == reason
    assert await desk.told(off.id) == set()
    await next_poll(desk, 8, 3)
    assert await desk.at(8, day=8) == 1


async def test_a_refused_message_ends_the_digest_and_not_the_subscription(desk: Desk) -> None:
    await subscribed(desk)
    desk.sender.faults = [Permanent("SMTP server refused the message with 554")]
    await desk.at(8)
    assert await desk.digests() == [("failed", 1)]
    await next_poll(desk, 8)
    assert await desk.at(8, day=8) == 1
    assert await desk.told() == {(1, "article"), (2, "article")}


async def test_a_bug_in_one_digest_does_not_hold_up_the_others(desk: Desk) -> None:
    await subscribed(desk, "a", "b")
    desk.sender.faults = [ZeroDivisionError("oops")]
    assert await desk.at(8) == 1
    rows = {row.state: row for row in await desk.rows(tables.digests)}
    assert (rows["intent"].error, rows["sent"].error) == ("a bug: ZeroDivisionError", None)


async def test_stored_content_that_cannot_be_read_does_not_hold_up_the_others(one: Desk) -> None:
    await subscribed(one, "a", "b")
    one.sender.faults = [AWAY, AWAY]
    await one.at(8)
    async with transaction(one.engine) as connection:
        await connection.execute(
            tables.digests.update()
            .where(tables.digests.c.subscription_id == "a")
            .values(content={"id": "x"})
        )
    one.timer.advance(minutes=1)
    assert await one.deliver() == 1
    assert one.sender.sent[0][0] == "b@example.org"


async def test_a_subscription_whose_row_is_unreadable_does_not_hold_up_the_others(
    one: Desk,
) -> None:
    await subscribed(one, "a", "b")
    async with transaction(one.engine) as connection:
        broken = {"title": "no entry"}
        await connection.execute(
            tables.articles.insert().values(
                topic="broken", pmid=9, revision=1, status="published", scope="core",
                backfill=False, discovered_at=START, first_seen_at=START, classified_at=START,
                entry=broken,
            )
        )  # fmt: skip
    await one.subscribe(a_subscription(id="0", topic="broken"))
    await one.receive(a_poll_event(START, topic="broken"))
    assert await one.at(8) == 2


async def test_a_subscription_switched_off_meanwhile_is_not_mailed(desk: Desk) -> None:
    await subscribed(desk)
    desk.sender.faults = [AWAY]
    await desk.at(8)
    async with transaction(desk.engine) as connection:
        await subscribers.deactivate(connection, "reader", "asked to leave")
    desk.timer.advance(minutes=1)
    assert await desk.deliver() == 0
    (row,) = await desk.rows(tables.digests)
    assert (row.state, row.error) == ("failed", "the subscription is no longer active")
    assert (desk.sender.sent, await desk.told()) == ([], set())


async def test_a_digest_that_kills_each_notifier_is_given_up(one: Desk) -> None:
    await subscribed(one)
    for _ in range(len(BACK_OFF) + 1):
        one.sender.faults = [Killed()]  # type: ignore[list-item]
        with pytest.raises(Killed):
            await one.at(8)
        async with transaction(one.engine) as connection:
            await connection.execute(tables.digests.update().values(claimed_until=None))
    assert await one.deliver() == 0
    (row,) = await one.rows(tables.digests)
    assert (row.state, row.error) == ("failed", "no answer came from any attempt")


async def test_a_channel_without_a_sender_is_tried_again_and_says_why(one: Desk) -> None:
    await one.subscribe(a_subscription(channel="capture"))
    await one.receive(an_article_event(1, START), a_poll_event(START, announced=1))
    assert await one.at(8) == 0
    (row,) = await one.rows(tables.digests)
    assert row.error == "no sender for channel 'capture': set NOTIFIER_DELIVERY to one for it"


async def test_a_digest_that_another_notifier_holds_is_left_to_it(one: Desk) -> None:
    await subscribed(one)
    one.sender.faults = [Killed()]  # type: ignore[list-item]
    with pytest.raises(Killed):
        await one.at(8)
    (row,) = await one.rows(tables.digests)
    office = Office({"email": one.sender}, IDENTITY, Patience(timer=one.timer))
    working = Working(one.engine, office, one.clock)
    assert await claimed(working, [row.id, "no-such-digest"]) == []
    assert row.claimed_until == one.timer() + timedelta(minutes=10)


async def retract(desk: Desk, pmid: int, day: int, status: Status = Status.RETRACTED) -> None:
    at, poll = START + (day - 7) * DAY, f"p{day}"
    await desk.receive(
        an_article_event(pmid, at, poll=poll, revision=day, status=status),
        a_poll_event(at, poll=poll, announced=1),
    )


async def test_a_retraction_is_told_once_to_exactly_those_who_were_sent_the_paper(
    desk: Desk,
) -> None:
    await subscribed(desk, "early")
    await desk.at(8)
    await desk.subscribe(a_subscription(id="late", created_at=START + DAY / 2))
    await retract(desk, 1, day=8)
    await desk.at(8, day=8)

    assert await desk.told("early") == {(1, "article"), (2, "article"), (1, "notice:retracted")}
    assert await desk.told("late") == {(2, "article")}
    mails = dict(desk.sender.sent[1:])
    assert "1 retraction" in str(mails["early@example.org"]["Subject"])
    assert "retraction" not in str(mails["late@example.org"]["Subject"])

    await next_poll(desk, 9)
    assert await desk.at(8, day=9) == 0


async def test_a_worse_status_is_a_notice_of_its_own(desk: Desk) -> None:
    await subscribed(desk)
    await desk.at(8)
    await retract(desk, 1, day=8, status=Status.CONCERN)
    await desk.at(8, day=8)
    await retract(desk, 1, day=9)
    await desk.at(8, day=9)
    assert {kind for pmid, kind in await desk.told() if pmid == 1} == {
        "article", "notice:expression-of-concern", "notice:retracted",
    }  # fmt: skip


async def test_a_notice_is_only_for_a_paper_that_was_delivered(desk: Desk) -> None:
    await subscribed(desk)
    desk.sender.faults = [AWAY]
    await desk.at(8)
    await retract(desk, 1, day=8)
    desk.clock.now = START + DAY + timedelta(hours=8)
    assert await desk.deliver() == 0  # the first one is not out yet, so there is no notice either
    assert await desk.digests() == [("intent", 1), ("skipped", 0)]
    assert await desk.told() == {(1, "article"), (2, "article")}

    await desk.at(9, day=8)
    await next_poll(desk, 9)
    await desk.at(8, day=9)
    assert await desk.told() == {(2, "article")}  # it left the digest that waited


async def test_a_paper_retracted_while_its_digest_waited_is_not_sent_as_news(desk: Desk) -> None:
    await subscribed(desk)
    desk.sender.faults = [AWAY]
    await desk.at(8)
    await retract(desk, 1, day=8)
    desk.timer.advance(minutes=1)

    assert await desk.deliver() == 1
    ((_, mail),) = desk.sender.sent
    assert "PubMed 2 " in str(mail.get_body(("plain",)))
    assert "PubMed 1 " not in str(mail.get_body(("plain",)))
    assert await desk.told() == {(2, "article")}
    (row,) = await desk.rows(tables.digests)
    assert (row.content["total"], row.content["withheld_retracted"]) == (1, 1)


async def test_a_paper_that_may_have_reached_its_reader_before_it_was_retracted_gets_its_notice(
    desk: Desk,
) -> None:
    await subscribed(desk)
    desk.sender.faults = [Killed()]  # type: ignore[list-item]
    with pytest.raises(Killed):
        await desk.at(8)
    await retract(desk, 1, day=8)
    desk.timer.advance(hours=1)

    assert await desk.deliver() == 1
    assert (1, "article") in await desk.told()
    await desk.at(8, day=8)
    assert (1, "notice:retracted") in await desk.told()


async def test_a_notice_whose_digest_failed_is_told_by_the_next(desk: Desk) -> None:
    await subscribed(desk)
    await desk.at(8)
    await retract(desk, 1, day=8)
    desk.sender.faults = [Permanent("SMTP server refused the message with 554")]
    await desk.at(8, day=8)
    assert (1, "notice:retracted") not in await desk.told()
    await next_poll(desk, 9)
    assert await desk.at(8, day=9) == 1
    assert (1, "notice:retracted") in await desk.told()


async def test_the_database_being_away_is_not_a_failure_of_the_digest(one: Desk) -> None:
    await subscribed(one)
    async with one.engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE polls RENAME TO hidden"))
    with pytest.raises(Retryable, match="no such table"):
        await one.at(8)
    async with one.engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE hidden RENAME TO polls"))
    assert await one.at(8) == 1


async def test_the_file_is_loaded_into_the_table(one: Desk, tmp_path: Path) -> None:
    path = tmp_path / "subscriptions.toml"
    path.write_text(
        '[[subscription]]\ntopic = "car-autoimmune"\naddress = "reader@example.org"\n'
        'confirmed = true\ncadence = "daily"\n'
    )
    assert await load_subscriptions(one.engine, path, one.clock) == 1
    await one.receive(an_article_event(1, START), a_poll_event(START, announced=1))
    assert await one.at(8) == 1


async def test_a_wrong_file_changes_nothing(one: Desk, tmp_path: Path) -> None:
    await one.subscribe(a_subscription())
    path = tmp_path / "subscriptions.toml"
    path.write_text('[[subscription]]\ntopic = "t"\n')
    with pytest.raises(ConfigurationError, match="address: missing"):
        await load_subscriptions(one.engine, path, one.clock)
    assert [row.id for row in await one.rows(tables.subscriptions)] == ["reader"]
