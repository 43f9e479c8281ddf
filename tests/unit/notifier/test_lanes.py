"""Many digests at once, by several notifiers, and one channel in nobody's way."""

import asyncio
from collections import Counter

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from services.notifier import subscribers, tables
from services.notifier.claims import Accepted
from services.notifier.delivery import Way, hand_over
from services.notifier.office import Desk as Working
from services.notifier.office import Office, Patience
from services.notifier.parcels import claimed
from services.notifier.recorder import Done, Recorder
from services.notifier.senders import Package, Target
from services.notifier.vault import Vault
from shared.database import transaction
from shared.errors import Retryable
from tests.builders import digest_delivered
from tests.fakes import FakeSender
from tests.unit.notifier.kit import IDENTITY, Desk, a_subscription
from tests.unit.notifier.test_run import subscribed

VAULT = Vault([SecretStr("the key of this house, long enough")])


class Crowded(FakeSender):
    """Counts how many packages are with it at once."""

    most = now = 0

    async def send(self, package: Package, target: Target) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.01)
        self.now -= 1
        self.take(package, target)


async def test_several_notifiers_share_the_work_and_none_is_sent_twice(desk: Desk) -> None:
    names = [f"r{number:03d}" for number in range(70)]
    await subscribed(desk, *names)
    desk.clock.advance(hours=8)
    desk.timer.now = desk.clock.now
    others = [Desk(desk.engine, desk.clock, desk.timer, Crowded()) for _ in range(3)]
    counts = await asyncio.gather(*(one.deliver() for one in others))
    assert sum(counts) == 70
    reached = Counter(to for one in others for to, _ in one.sender.sent)
    assert reached == Counter(f"{name}@example.org" for name in names)
    assert all(state == ("sent", 1) for state in await desk.digests())


async def test_several_are_in_flight_but_no_more_than_a_sender_can_use(one: Desk) -> None:
    await subscribed(one, *[f"r{number}" for number in range(12)])
    one.sender = sender = Crowded()
    assert await one.at(8) == 12
    assert 1 < sender.most <= sender.flights


async def test_a_channel_that_hangs_holds_up_no_other(one: Desk) -> None:
    await subscribed(one, "a", "b")
    hook = a_subscription(id="h", channel="webhook", address=SecretStr("https://example.org/h"))
    async with transaction(one.engine) as connection:
        await subscribers.save(connection, hook, "console", one.clock(), VAULT)
    mailed = asyncio.Event()

    class Hanging(FakeSender):
        async def send(self, package: Package, target: Target) -> None:
            await mailed.wait()  # a lane that waited for this one would wait for ever
            raise Retryable("no answer in time")

    class Telling(FakeSender):
        async def send(self, package: Package, target: Target) -> None:
            self.take(package, target)
            if len(self.sent) == 2:
                mailed.set()

    one.senders = {"email": Telling(), "webhook": Hanging()}
    async with asyncio.timeout(20):
        assert await one.at(8) == 2


async def test_what_cannot_be_handed_over_within_its_lease_is_given_back(one: Desk) -> None:
    ids = await intents(one, "a")
    office = Office({"email": one.sender}, IDENTITY, Patience(timer=one.timer))
    working = Working(one.engine, office, one.clock)
    one.timer.advance(minutes=2)
    (parcel,) = await claimed(working, ids)
    one.timer.advance(minutes=3)
    way = Way(asyncio.Semaphore(1), Recorder(one.engine, one.clock))
    assert not await hand_over(working, parcel, way)
    (row,) = await one.rows(tables.digests)
    assert (row.attempts, row.claimed_until, row.maybe_sent) == (1, None, False)
    assert one.sender.sent == []
    assert await one.deliver() == 1


async def test_what_another_one_tried_meanwhile_waits_for_its_time(one: Desk) -> None:
    """The list of what waits was read before; what is on it by now has a next try of its own."""
    ids = await intents(one, "a")
    working = Working(one.engine, Office({}, IDENTITY, Patience(timer=one.timer)), one.clock)
    assert await claimed(working, ids) == []
    one.timer.advance(hours=1)
    assert len(await claimed(working, ids)) == 1


def done(digest_id: str) -> Done:
    event = digest_delivered().model_copy(update={"id": digest_id, "subject": digest_id})
    return Done(Accepted(digest_id, f"<{digest_id}@example.org>", 1), event)


async def intents(desk: Desk, *names: str) -> list[str]:
    """Digests that were cut and that no sender took yet."""
    await subscribed(desk, *names)
    desk.sender.faults = [Retryable("later") for _ in names]
    await desk.at(8)
    return [row.id for row in await desk.rows(tables.digests)]


async def test_what_is_accepted_together_is_recorded_together_and_once(desk: Desk) -> None:
    ids = await intents(desk, "a", "b", "c")
    recorder = Recorder(desk.engine, desk.clock)
    first = await asyncio.gather(*(recorder.sent(done(one)) for one in ids))
    again = await asyncio.gather(*(recorder.sent(done(one)) for one in ids))
    assert (first, again) == ([True] * 3, [False] * 3)
    assert len(await desk.rows(tables.outbox)) == 3
    assert all(row.delivered_at for row in await desk.rows(tables.ledger))
    assert [state for state, _ in await desk.digests()] == ["sent"] * 3


async def test_a_database_that_comes_back_soon_costs_no_repeat(one: Desk) -> None:
    (digest_id,) = await intents(one, "a")
    recorder = Recorder(one.engine, one.clock, pauses=(0.05,) * 40)
    async with one.engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE ledger RENAME TO hidden"))
    writing = asyncio.create_task(recorder.sent(done(digest_id)))
    await asyncio.sleep(0.1)
    async with one.engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE hidden RENAME TO ledger"))
    assert await writing
    assert await one.digests() == [("sent", 1)]


async def test_a_database_that_stays_away_is_told_to_who_waits(one: Desk) -> None:
    (digest_id,) = await intents(one, "a")
    async with one.engine.begin() as connection:
        await connection.execute(sa.text("DROP TABLE ledger"))
    with pytest.raises(Retryable, match="no such table"):
        await Recorder(one.engine, one.clock, pauses=()).sent(done(digest_id))


async def test_one_that_cannot_be_recorded_does_not_cost_the_others_their_record(
    one: Desk,
) -> None:
    ids = await intents(one, "a", "b")
    recorder = Recorder(one.engine, one.clock)
    broken = done(ids[0])
    broken = Done(broken.accepted, broken.event.model_copy(update={"type": None}))
    results = await asyncio.gather(
        recorder.sent(broken), recorder.sent(done(ids[1])), return_exceptions=True
    )
    assert isinstance(results[0], Exception)
    assert results[1] is True
    states = {row.id: row.state for row in await one.rows(tables.digests)}
    assert states == {ids[0]: "intent", ids[1]: "sent"}


async def test_a_pass_that_loses_its_database_lets_what_is_in_flight_end(one: Desk) -> None:
    await subscribed(one, *[f"r{number}" for number in range(8)])
    ended: list[str] = []

    class Breaking(FakeSender):
        async def send(self, package: Package, target: Target) -> None:
            if not ended:
                async with one.engine.begin() as connection:
                    await connection.execute(sa.text("ALTER TABLE ledger RENAME TO hidden"))
            await asyncio.sleep(0.01)
            self.take(package, target)
            ended.append(target.address)

    one.sender = Breaking()
    with pytest.raises(Retryable):
        await one.at(8)
    assert len(ended) <= 8
    async with one.engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE hidden RENAME TO ledger"))
    one.sender = FakeSender()
    one.timer.advance(minutes=10)
    await one.deliver()
    assert {state for state, _ in await one.digests()} == {"sent"}
    rows = await one.rows(tables.digests)
    assert all(row.maybe_sent for row in rows)
