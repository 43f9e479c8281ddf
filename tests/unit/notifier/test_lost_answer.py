"""A mail whose acceptance nobody heard of: it may be with its reader, and that stays on record."""

from datetime import timedelta

import pytest

from services.notifier import tables
from services.notifier.office import BACK_OFF
from services.notifier.senders import AnswerLost, Package, RecipientRejected, Target
from shared.errors import Permanent, Retryable
from tests.fakes import FakeSender
from tests.unit.notifier.kit import Desk
from tests.unit.notifier.test_run import AWAY, next_poll, retract, subscribed

LOST = AnswerLost("SMTP server: the connection was lost; it is tried again")


class Unheard(FakeSender):
    """Takes every message, and then meets the faults it was given."""

    async def send(self, package: Package, target: Target) -> None:
        self.take(package, target)
        if self.faults:
            raise self.faults.pop(0)


def texts(desk: Desk) -> list[str]:
    return [str(mail.get_body(("plain",))) for _, mail in desk.sender.sent]


async def exhaust(desk: Desk) -> None:
    """The first attempt and all that follow it."""
    await desk.at(8)
    for wait in BACK_OFF:
        desk.timer.advance(seconds=wait.total_seconds())
        await desk.deliver()


async def test_a_paper_retracted_after_a_mail_whose_answer_was_lost_gets_its_notice(
    desk: Desk,
) -> None:
    await subscribed(desk)
    desk.sender = Unheard(faults=[LOST])
    assert await desk.at(8) == 0
    await retract(desk, 1, day=8)
    desk.timer.advance(minutes=1)
    assert await desk.deliver() == 1
    assert ["PubMed 1 " in text for text in texts(desk)] == [True, False]

    await desk.at(8, day=8)
    assert (1, "notice:retracted") in await desk.told()


async def test_a_clear_refusal_later_does_not_take_back_that_the_mail_may_have_arrived(
    desk: Desk,
) -> None:
    await subscribed(desk)
    desk.sender = Unheard(faults=[LOST, AWAY])
    await desk.at(8)
    await retract(desk, 1, day=8)
    desk.timer.advance(minutes=1)
    assert await desk.deliver() == 0
    desk.timer.advance(minutes=5)
    assert await desk.deliver() == 1
    await desk.at(8, day=8)
    assert (1, "notice:retracted") in await desk.told()


@pytest.mark.parametrize(
    "last", [Permanent("SMTP server refused the message with 554"), RecipientRejected("no reader")]
)
async def test_a_digest_that_may_have_arrived_keeps_its_articles_as_told_when_given_up(
    desk: Desk, last: Exception
) -> None:
    await subscribed(desk)
    desk.sender = Unheard(faults=[LOST, last])
    await desk.at(8)
    desk.timer.advance(minutes=1)
    await desk.deliver()
    (row,) = await desk.rows(tables.digests)
    assert (row.state, row.maybe_sent) == ("failed", True)
    assert row.error == (
        f"{last}; an attempt ended without an answer, so its articles count as told"
    )
    assert await desk.told() == {(1, "article"), (2, "article")}
    assert all(row.delivered_at == desk.clock() for row in await desk.rows(tables.ledger))


async def test_a_server_that_never_answers_brings_no_paper_twice_and_its_retraction_a_notice(
    desk: Desk,
) -> None:
    await subscribed(desk)
    desk.sender = Unheard(faults=[LOST] * (len(BACK_OFF) + 1))
    await exhaust(desk)
    assert await desk.digests() == [("failed", len(BACK_OFF) + 1)]
    await next_poll(desk, 8, 3)
    await retract(desk, 1, day=8)
    assert await desk.at(8, day=8) == 1
    assert await desk.told() == {
        (1, "article"), (2, "article"), (3, "article"), (1, "notice:retracted"),
    }  # fmt: skip


@pytest.mark.parametrize("fault", [AWAY, Retryable("SMTP server put the recipient off with 450")])
async def test_what_was_clearly_not_taken_frees_its_articles(one: Desk, fault: Exception) -> None:
    await subscribed(one)
    one.sender.faults = [fault] * (len(BACK_OFF) + 1)
    await exhaust(one)
    (row,) = await one.rows(tables.digests)
    assert (row.state, row.maybe_sent, await one.told()) == ("failed", False, set())


async def test_a_bug_while_handing_over_may_have_come_after_the_acceptance(one: Desk) -> None:
    await subscribed(one)
    one.sender = Unheard(faults=[ZeroDivisionError("oops")])
    await one.at(8)
    (row,) = await one.rows(tables.digests)
    assert (row.state, row.maybe_sent, row.error) == ("intent", True, "a bug: ZeroDivisionError")


async def test_a_bug_before_the_hand_over_has_sent_nothing(one: Desk) -> None:
    await subscribed(one)
    one.sender.faults = [AWAY]
    await one.at(8)
    async with one.engine.begin() as connection:
        await connection.execute(tables.digests.update().values(content={"id": "x"}))
    one.timer.advance(minutes=1)
    await one.deliver()
    (row,) = await one.rows(tables.digests)
    assert (row.maybe_sent, row.error) == (False, "a bug: ValidationError")


async def test_a_lease_that_ran_out_is_an_answer_that_did_not_come(one: Desk) -> None:
    await subscribed(one)
    await one.at(6)
    one.sender.faults = [AWAY, AWAY]
    await one.at(8)
    async with one.engine.begin() as connection:
        at = one.timer()
        await connection.execute(tables.digests.update().values(claimed_until=at))
    one.timer.advance(seconds=timedelta(minutes=1).total_seconds())
    await one.deliver()
    (row,) = await one.rows(tables.digests)
    assert (row.maybe_sent, row.claimed_until) == (True, None)
