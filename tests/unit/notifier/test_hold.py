"""Nothing leaves a restored store before somebody has decided what was sent after its backup."""

from datetime import datetime, timedelta

import pytest
from pydantic import SecretStr

from services.notifier import evidence, hold, letters_store, resume, tables
from services.notifier.evidence import Accepted
from services.notifier.hold import Hold
from services.notifier.letters_delivery import Mailroom, deliver_letters
from services.notifier.office import Desk as AtWork
from services.notifier.office import Office, Patience
from services.notifier.plan import digest_id
from services.notifier.replays_delivery import deliver_replays
from services.notifier.resume import Counted
from services.notifier.tokens import Tokens
from shared.article import Status
from shared.database import transaction
from shared.errors import ConfigurationError, Retryable
from shared.events import CloudEvent, DigestSent
from tests.builders import an_article, classified, replay_finished
from tests.unit.notifier.kit import IDENTITY, START, Desk, a_poll_event, a_subscription

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
BACKUP = START + 2 * HOUR
"""At two; the subscriptions here are due at seven."""
RESTORE = START + DAY + 12 * HOUR
"""The next day at noon: two due instants are between."""


def a_paper(pmid: int, entered: datetime, found: datetime, poll: str) -> CloudEvent:
    article = an_article(pmid=pmid, title=f"Paper {pmid}", entered_at=entered)
    return classified(article=article, poll_id=poll, discovered_at=found).model_copy(
        update={"time": found}
    )


async def restore(desk: Desk) -> None:
    """It is noon of the next day, and what is here is as of the backup."""
    desk.clock.now = desk.timer.now = RESTORE
    async with transaction(desk.engine) as connection:
        await hold.put(connection, Hold("h1", "restored from a backup", BACKUP, RESTORE))


async def checked(desk: Desk, *found: CloudEvent) -> None:
    """PubMed is asked for the first time since."""
    desk.clock.advance(minutes=10)
    desk.timer.advance(minutes=10)
    await desk.receive(a_poll_event(desk.clock.now, poll="after", announced=len(found)), *found)


async def count_as_told(desk: Desk, until: datetime = RESTORE) -> list[Counted]:
    async with transaction(desk.engine) as connection:
        return await resume.count_as_told(connection, until, desk.clock())


async def again(desk: Desk) -> None:
    async with transaction(desk.engine) as connection:
        await resume.again(connection, desk.clock())


def told(desk: Desk) -> list[int]:
    """The papers of all mails, in order of their numbers."""
    pages = [mail.get_body(("plain",)) for _, mail in desk.sender.sent]
    text = "".join(page.get_content() for page in pages if page)
    return [pmid for pmid in range(1, 10) for _ in range(text.count(f"Paper {pmid}"))]


async def test_while_held_nothing_leaves_and_nothing_is_cut(desk: Desk) -> None:
    await desk.subscribe(a_subscription())
    await desk.receive(a_paper(1, START, START, "before"), a_poll_event(START, poll="before"))
    await desk.receive(replay_finished(to=("reader",)))
    async with transaction(desk.engine) as connection:
        await letters_store.queue(connection, "confirm", "reader@example.org", START)
    await restore(desk)
    office = Office({"email": desk.sender}, IDENTITY, Patience(timer=desk.timer))
    room = Mailroom(
        desk.engine, office, Tokens((SecretStr("long enough a key"),)), "http://x", desk.clock
    )
    at_work = AtWork(desk.engine, office, desk.clock)

    assert (await desk.deliver(), await deliver_letters(room), await deliver_replays(at_work)) == (
        0, 0, 0,
    )  # fmt: skip
    assert (desk.sender.taken, await desk.digests()) == ([], [])

    await again(desk)
    assert await desk.deliver() == 1
    assert told(desk) == [1]
    assert await deliver_letters(room) == 1


async def test_what_was_due_counts_as_told_and_what_came_later_is_told(desk: Desk) -> None:
    await desk.subscribe(a_subscription(), a_subscription(id="weekly", cadence="weekly"))
    await desk.receive(a_paper(1, START, START, "before"), a_poll_event(START, poll="before"))
    await restore(desk)
    found = RESTORE + HOUR / 6
    await checked(
        desk,
        a_paper(2, START + 20 * HOUR, found, "after"),  # before it was due at seven
        a_paper(3, START + 33 * HOUR, found, "after"),  # after that, before the restore
    )

    counted = await count_as_told(desk)
    assert [(one.subscription_id, one.pmids) for one in counted] == [
        ("reader", (1, 2)),
        ("weekly", (1,)),  # due on the Monday, after the backup
    ]
    assert counted[0].due_at == START + DAY + 7 * HOUR
    assert await desk.at(7, 9) == 1
    assert told(desk) == [3]
    (row,) = [row for row in await desk.rows(tables.holds) if row.ended_at]
    assert row.decision.startswith("counts as told: restored from a backup of 2026-09-07 02:00")
    assert await desk.at(7, 14) == 1
    assert told(desk) == [2, 3, 3], "the weekly reader was never sent the second one"


async def test_only_what_was_due_before_sending_stopped_counts(desk: Desk) -> None:
    await desk.subscribe(a_subscription())
    await desk.receive(a_paper(1, START, START, "before"), a_poll_event(START, poll="before"))
    await restore(desk)
    await checked(desk)

    assert await count_as_told(desk, until=START + 6 * HOUR) == []
    assert await desk.deliver() == 1
    assert told(desk) == [1]


async def test_what_was_about_to_be_sent_may_have_arrived(desk: Desk) -> None:
    await desk.subscribe(a_subscription())
    await desk.receive(a_paper(1, START, START, "before"), a_poll_event(START, poll="before"))
    desk.sender.faults = [Retryable("busy")]
    assert await desk.at(7) == 0  # cut, and not sent yet
    async with transaction(desk.engine) as connection:
        await hold.put(connection, Hold("h1", "restored", START + 7 * HOUR, RESTORE))
    desk.clock.now = desk.timer.now = RESTORE
    await checked(desk)

    counted = await count_as_told(desk)
    assert [(one.subscription_id, one.pmids) for one in counted] == [("reader", (1,))]
    assert await desk.at(7, 9) == 0
    assert told(desk) == []
    (first, *_) = await desk.rows(tables.digests)
    assert (first.state, first.maybe_sent) == ("failed", True)
    retracted = a_paper(1, START, START, "later").model_copy(
        update={"data": classified(
            article=an_article(pmid=1, title="Paper 1", status=Status.RETRACTED, entered_at=START),
            revision=2, poll_id="later", discovered_at=START,
        ).data, "id": "another", "time": RESTORE + DAY}
    )  # fmt: skip
    await desk.receive(retracted)
    await desk.at(10, 10)
    assert (1, "notice:retracted") in await desk.told()


async def test_papers_are_not_counted_before_pubmed_was_asked_again(desk: Desk) -> None:
    await desk.subscribe(a_subscription())
    await desk.receive(a_poll_event(START, poll="before"))
    await restore(desk)

    with pytest.raises(ConfigurationError, match="was not completely checked since the restore"):
        await count_as_told(desk)
    desk.clock.advance(minutes=10)
    await desk.receive(a_poll_event(desk.clock.now, poll="after", announced=1))
    with pytest.raises(ConfigurationError, match="was not completely checked"):
        await count_as_told(desk)
    assert await desk.deliver() == 0


async def test_background_that_may_have_been_told_counts_for_each_turn(desk: Desk) -> None:
    await desk.subscribe(a_subscription(background=True))
    old = [
        classified(
            article=an_article(pmid=n, title=f"Paper {n}"), backfill=True, relatedness=1 - n / 10,
            poll_id="before", discovered_at=START,
        )
        for n in range(1, 7)
    ]  # fmt: skip
    await desk.receive(*old, a_poll_event(START, poll="before"))
    await restore(desk)
    await checked(desk)
    async with transaction(desk.engine) as connection:
        counted = await resume.count_as_told(connection, RESTORE, desk.clock(), background=2)

    assert [one.pmids for one in counted] == [(1, 2, 3, 4)]


async def test_without_a_hold_there_is_nothing_to_decide(desk: Desk) -> None:
    with pytest.raises(ConfigurationError, match="sending is not held"):
        await again(desk)
    with pytest.raises(ConfigurationError, match="sending is not held"):
        await count_as_told(desk)


async def test_what_an_archive_says_was_sent_is_told_no_more(desk: Desk) -> None:
    await desk.subscribe(a_subscription())
    await desk.receive(a_paper(1, START, START, "before"), a_poll_event(START, poll="before"))
    await restore(desk)
    slot = START + 7 * HOUR
    sent = DigestSent(
        topic="car-autoimmune", digest_id=digest_id("reader", slot), subscription_id="reader",
        channel="email", pmids=(1, 2), notices=(8, 9), period_from=START - DAY, period_to=slot,
        message_id="<m@x>",
    )  # fmt: skip
    one = Accepted(sent, slot + HOUR, {2: "corrected", 8: "retracted"})
    for expected in (1, 0):
        async with transaction(desk.engine) as connection:
            assert await evidence.believe(connection, [one]) == expected
    await again(desk)
    await checked(desk, a_paper(2, START, RESTORE, "after"), a_paper(3, START, RESTORE, "after"))

    assert await desk.at(7, 9) == 1
    assert told(desk) == [3]
    rows = {(row.pmid, row.kind): row for row in await desk.rows(tables.ledger)}
    assert rows.keys() == {
        (1, "article"), (2, "article"), (3, "article"), (8, "notice:retracted"),
    }  # fmt: skip
    assert rows[2, "article"].status == "corrected"
    assert rows[2, "article"].delivered_at == slot + HOUR


async def test_a_digest_that_another_one_overtook_is_not_sent(desk: Desk) -> None:
    """It was cut when the backup was made; it was given up then, and the next told its paper."""
    await desk.subscribe(a_subscription())
    await desk.receive(a_paper(1, START, START, "before"), a_poll_event(START, poll="before"))
    desk.sender.faults = [Retryable("busy")]
    assert await desk.at(7) == 0
    await restore(desk)
    slot = START + DAY + 7 * HOUR
    sent = DigestSent(
        topic="car-autoimmune", digest_id=digest_id("reader", slot), subscription_id="reader",
        channel="email", pmids=(1,), period_from=START, period_to=slot,
    )  # fmt: skip
    async with transaction(desk.engine) as connection:
        await evidence.believe(connection, [Accepted(sent, slot, {})])
    await again(desk)

    await desk.at(7, 10)
    assert told(desk) == []
