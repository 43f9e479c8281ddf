"""Who holds a digest: one notifier at a time, whatever their clocks show, and whoever is late."""

import asyncio
from datetime import timedelta

import pytest

from services.notifier import delivery, tables
from services.notifier.office import Desk as Working
from services.notifier.office import Office, Patience
from services.notifier.parcels import Parcel, claimed
from services.notifier.recorder import Recorder
from services.notifier.senders import AnswerLost, Package, RecipientRejected, Target
from shared.errors import Permanent, Retryable
from tests.fakes import FakeClock, FakeSender
from tests.unit.notifier.kit import IDENTITY, Desk, a_poll_event, a_subscription, an_article_event

LATE = [Retryable("later"), AnswerLost("no answer"), Permanent("never"), RecipientRejected("none")]


async def waiting(desk: Desk) -> list[str]:
    """A digest that was cut, and that no sender took yet; its next try has come."""
    await desk.subscribe(a_subscription())
    at = desk.clock()
    await desk.receive(an_article_event(1, at), a_poll_event(at, announced=1))
    desk.sender.faults = [Retryable("later")]
    await desk.at(8)
    desk.timer.advance(minutes=2)
    return [row.id for row in await desk.rows(tables.digests)]


def working(desk: Desk, sender: FakeSender, timer: FakeClock) -> Working:
    office = Office({"email": sender}, IDENTITY, Patience(timer=timer))
    return Working(desk.engine, office, desk.clock)


def way(desk: Desk) -> delivery.Way:
    return delivery.Way(asyncio.Semaphore(1), Recorder(desk.engine, desk.clock))


class Meanwhile(FakeSender):
    """Answers when another notifier has claimed what it was handed."""

    def __init__(self, desk: Desk, fault: Exception) -> None:
        super().__init__()
        self.desk, self.fault = desk, fault
        self.claimed: list[Parcel] = []

    async def send(self, package: Package, target: Target) -> None:
        self.desk.timer.advance(minutes=11)
        ids = [row.id for row in await self.desk.rows(tables.digests)]
        self.claimed = await claimed(working(self.desk, FakeSender(), self.desk.timer), ids)
        raise self.fault


@pytest.mark.parametrize("seconds", [-1800, -1, 1, 300])
async def test_a_clock_that_differs_a_little_claims_nothing_that_another_one_holds(
    desk: Desk, seconds: int
) -> None:
    ids = await waiting(desk)
    own = working(desk, desk.sender, desk.timer)
    assert len(await claimed(own, ids)) == 1
    desk.timer.advance(seconds=seconds)
    assert await claimed(own, ids) == []
    assert await desk.deliver() == 0


@pytest.mark.parametrize("fault", LATE)
async def test_whose_lease_ran_out_takes_nothing_from_who_has_claimed_since(
    desk: Desk, fault: Exception
) -> None:
    ids = await waiting(desk)
    sender = Meanwhile(desk, fault)
    late = working(desk, sender, desk.timer)
    (parcel,) = await claimed(late, ids)
    assert not await delivery.hand_over(late, parcel, way(desk))

    (row,) = await desk.rows(tables.digests)
    (other,) = sender.claimed
    assert (row.state, row.attempts, row.claimed_until) == ("intent", 3, other.claim.until)
    assert row.next_try_at < desk.timer()
    assert await desk.told() == {(1, "article")}
    assert await delivery.hand_over(working(desk, desk.sender, desk.timer), other, way(desk))
    assert len(desk.sender.sent) == 1


async def test_who_gives_back_too_late_gives_back_nothing_of_anothers(desk: Desk) -> None:
    ids = await waiting(desk)
    late = working(desk, desk.sender, desk.timer)
    (parcel,) = await claimed(late, ids)
    desk.timer.advance(minutes=11)
    (other,) = await claimed(late, ids)
    assert not await delivery.hand_over(late, parcel, way(desk))
    assert await claimed(late, ids) == []
    assert await delivery.hand_over(late, other, way(desk))
    assert len(desk.sender.sent) == 1


async def test_who_gave_back_holds_nothing_any_more(one: Desk) -> None:
    ids = await waiting(one)
    timer = FakeClock(one.timer())
    first = working(one, one.sender, timer)
    (parcel,) = await claimed(first, ids)
    timer.advance(minutes=3)
    assert not await delivery.hand_over(first, parcel, way(one))
    assert not await delivery.hand_over(first, parcel, way(one))
    (row,) = await one.rows(tables.digests)
    assert (row.attempts, row.claimed_until) == (1, None)


async def test_a_clock_that_was_put_back_by_hours_holds_up_nothing(desk: Desk) -> None:
    ids = await waiting(desk)
    await claimed(working(desk, desk.sender, desk.timer), ids)
    desk.timer.now -= timedelta(hours=2)
    assert await desk.deliver() == 0  # its next try is at most a day ahead, and believed
    desk.timer.now -= timedelta(days=2)
    assert await desk.deliver() == 1
