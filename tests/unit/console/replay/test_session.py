"""A replay from its beginning to its report, whatever happens in between."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from services.console.archive.recorded import Recorded
from services.console.commands.replay_work import report
from services.console.replay import journal, running
from services.console.replay.journal import LEASE, Lost, Standing
from services.console.replay.order import Order
from services.console.replay.outcomes import Outcomes
from services.console.replay.pacing import Timer
from services.console.replay.place import Place
from services.console.replay.selection import Selection
from services.console.replay.session import Session
from shared.database import transaction
from shared.errors import Away, ConfigurationError, Permanent, Retryable
from shared.events import ReplayFinished, decode
from shared.outbox import Outgoing
from tests.builders import NOON, an_article, classified, digest_delivered, discovered
from tests.fakes import FakeClock
from tests.unit.console.replay.archives import Archive, entry, garbage
from tests.unit.console.replay.places import Parking, Queues, a_place

ID = "0c1f3f3e-0000-5000-8000-000000000004"
COUNT = 12


class Killed(BaseException):
    """As a process that ends in the middle: nothing of ours handles it."""


@dataclass
class Desk:
    """A console at a place whose clock and timer are the test's."""

    place: Place
    queues: Queues
    parking: Parking
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOON))
    stopped: bool = False
    slept: list[float] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)

    def session(self) -> Session:
        return Session(self.place, self.clock, lambda: self.stopped, timer=self.timer())

    def timer(self) -> Timer:
        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)
            self.clock.advance(seconds=seconds)
            await self.meanwhile()

        return Timer(self._seconds, sleep)

    def _seconds(self) -> float:
        return (self.clock.now - NOON).total_seconds()

    async def run(self, archive: Archive, wait: float = 30.0, **more: Any) -> Standing:
        """A whole replay of an archive, chosen whole."""
        session = self.session()
        await session.begin(order(**more), COUNT)
        return await session.run(ID, archive, wait)

    async def resumed(self, archive: Archive) -> Standing:
        session = self.session()
        self.clock.now += 2 * LEASE
        await session.claim(ID)
        return await session.run(ID, archive, 30.0)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_place(tmp_path / "state", ID) as parts:
        yield Desk(*parts)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "BATCH", 5)


def order(**more: Any) -> Order:
    return replace(
        Order(ID, "broker", Selection(), "the stream", "ada", NOON, end=COUNT + 1), **more
    )


def archive(*more: Recorded) -> Archive:
    """Twelve discoveries and, at the end, what nobody's queue takes."""
    events = [entry(discovered(article=an_article(pmid=n)), n) for n in range(1, COUNT + 1)]
    return Archive([*events, *more, entry(digest_delivered(), COUNT + 1)])


def names(desk: Desk) -> list[str]:
    return [str(decode(one.body).subject) for one in desk.queues.taken]


IN_ORDER = [str(n) for n in range(1, COUNT + 1)]


async def test_everything_is_sent_in_order_and_accounted_for(desk: Desk) -> None:
    done = await desk.run(archive(garbage(COUNT)))

    assert names(desk) == IN_ORDER
    assert (done.state, done.sent, done.chosen) == ("finished", COUNT, COUNT)
    assert done.outcomes == {"classifier": {"sent": COUNT, "deduplicated": COUNT}}
    (told,) = desk.queues.told
    event = decode(told.body)
    assert isinstance(event, ReplayFinished)
    assert (event.data.sent, event.data.deduplicated, event.data.state) == (12, 12, "finished")
    assert done.told


@pytest.mark.parametrize("fault", [Killed(), Away("broker: gone")])
async def test_broken_off_in_the_middle_of_a_batch_it_goes_on_and_adds_up(
    desk: Desk, fault: BaseException
) -> None:
    desk.queues.after = [None, fault]
    if isinstance(fault, Killed):
        with pytest.raises(Killed):
            await desk.run(archive())
        done = await desk.resumed(archive())
    else:
        done = await desk.run(archive())

    assert names(desk) == [*IN_ORDER[:10], *IN_ORDER[5:]], "one batch at most goes twice"
    assert (done.state, done.sent, done.repeated) == ("finished", COUNT, 0)
    assert done.outcomes == {"classifier": {"sent": COUNT, "deduplicated": COUNT}}
    assert len(desk.queues.told) == 1


async def test_a_broker_that_stays_away_leaves_it_to_be_resumed(desk: Desk) -> None:
    desk.queues.before = [Away("broker: gone") for _ in range(60)]
    with pytest.raises(Away, match="gone; `carillon replay resume 0c1f3f3e` goes on"):
        await desk.run(archive())
    assert 50 < sum(desk.slept) < 90

    desk.queues.before = []
    assert (await desk.resumed(archive())).state == "finished"


async def test_a_queue_that_is_not_there_is_said_and_nothing_is_put_down(desk: Desk) -> None:
    desk.queues.before = [Permanent("no queue takes classifier")]
    with pytest.raises(Permanent, match="no queue takes classifier; `carillon replay resume"):
        await desk.run(archive())

    assert (await desk.session().standing(ID)).position == -1


async def test_what_the_archive_has_twice_is_sent_once_and_what_was_edited_is_sent(
    desk: Desk,
) -> None:
    first, last = discovered(article=an_article(pmid=1)), discovered(article=an_article(pmid=12))
    edited = last.model_copy(update={"data": last.data.model_copy(update={"relatedness": 0.1})})
    found = archive()
    found.entries = [*found.entries, entry(first, 14), entry(edited, 15)]

    done = await desk.run(found, end=15)

    assert names(desk) == [*IN_ORDER, "12"]
    assert (done.sent, done.repeated) == (COUNT, 2), "an event counts once, whatever its texts"


async def test_what_is_parked_has_failed_and_what_has_no_outcome_is_open(desk: Desk) -> None:
    bad, slow = (discovered(article=an_article(pmid=n)).id for n in (3, 4))
    desk.queues.consume = lambda one: None if one.event_id in (bad, slow) else "processed"
    desk.parking.parked = {("classifier", bad), ("classifier", "somebody's"), ("notifier", slow)}

    done = await desk.run(archive())

    assert done.outcomes == {
        "classifier": {"sent": COUNT, "processed": COUNT - 2, "failed": 1, "open": 1},
        "made": {"sent": COUNT - 2, "skipped": COUNT - 2},
    }
    assert await desk.session().left(ID, 5) == [
        ("failed", "classifier", bad),
        ("open", "classifier", slow),
    ]
    assert 25 < sum(desk.slept) < 40, "it waits as long as it was told, and no longer"

    late = next(one for one in desk.queues.taken if one.event_id == slow)
    await desk.queues.handled(late, "processed")
    desk.parking.parked.clear()
    redriven = next(one for one in desk.queues.taken if one.event_id == bad)
    await desk.queues.handled(redriven, "skipped")
    shown = await desk.session().told(ID)
    assert shown.outcomes == {
        "classifier": {"sent": COUNT, "processed": COUNT - 1, "skipped": 1},
        "made": {"sent": COUNT - 1, "skipped": COUNT - 1},
    }
    assert len(desk.queues.told) == 1


async def test_what_is_made_of_it_is_waited_for_too(desk: Desk) -> None:
    desk.queues.consume, desk.queues.after_that = lambda _: "processed", None

    done = await desk.run(archive(), forced=True)

    assert done.outcomes == {
        "classifier": {"sent": COUNT, "processed": COUNT},
        "made": {"sent": COUNT, "open": COUNT},
    }
    assert done.unsettled == COUNT
    assert 25 < sum(desk.slept) < 40


async def test_live_events_never_stand_behind_a_whole_replay(desk: Desk) -> None:
    """Consumers take one every half second: no batch goes while more than the limit waits."""
    longest: list[int] = []

    def line() -> int:
        handled = int(desk.timer().now() / 0.5)
        longest.append(max(0, len(desk.queues.taken) - handled))
        return longest[-1] + running.WAITING - 3  # others stand in line as well

    desk.queues.line = line
    done = await desk.run(archive())

    assert (names(desk), done.state, done.sent) == (IN_ORDER, "finished", COUNT)
    assert max(longest) <= 2 + 5, "a batch, and what was left when it went"
    assert sum(desk.slept) >= 2


async def test_a_replay_behind_consumers_that_stand_still_can_be_paused(desk: Desk) -> None:
    async def enough() -> None:
        desk.stopped = sum(desk.slept) > 600

    desk.queues.line, desk.meanwhile = (lambda: running.WAITING), enough
    done = await desk.run(archive())

    assert (names(desk), done.state, done.sent) == ([], "paused", 0)


async def test_what_was_made_of_it_and_is_parked_has_failed_and_is_not_waited_for(
    desk: Desk,
) -> None:
    desk.queues.consume, desk.queues.after_that = lambda _: "processed", None
    made = [discovered(article=an_article(pmid=n)).id[::-1] for n in range(1, COUNT + 1)]
    desk.parking.parked = {("notifier", one) for one in made}

    done = await desk.run(archive(), forced=True)

    assert done.outcomes["made"] == {"sent": COUNT, "failed": COUNT}
    assert (done.unsettled, done.count("failed")) == (COUNT, 0)
    assert sum(desk.slept) < 10


async def test_a_pause_stands_still_and_a_resume_goes_on(desk: Desk) -> None:
    desk.queues.consume = lambda one: setattr(desk, "stopped", True) or "deduplicated"  # type: ignore[func-returns-value]
    paused = await desk.run(archive())

    assert (paused.state, paused.sent, paused.is_running(NOON)) == ("paused", 5, False)
    assert desk.queues.told == []
    desk.stopped, desk.queues.consume = False, lambda _: "deduplicated"
    session = desk.session()
    await session.claim(ID)
    done = await session.run(ID, archive(), 30.0)
    assert (names(desk), done.state) == (IN_ORDER, "finished")


async def test_another_console_asks_and_the_one_at_work_heeds(desk: Desk) -> None:
    async def cancel() -> None:
        await desk.session().ask(ID, "cancelled")

    asked: list[asyncio.Task[None]] = []

    def consume(_: object) -> Any:
        if not asked:
            asked.append(asyncio.get_running_loop().create_task(cancel()))
        return "deduplicated"

    desk.queues.consume = consume
    done = await desk.run(archive(), rate=4)

    assert done.state == "cancelled"
    assert done.sent < COUNT
    (told,) = desk.queues.told
    event = decode(told.body)
    assert isinstance(event, ReplayFinished)
    assert event.data.state == "cancelled"
    with pytest.raises(ConfigurationError, match="has ended: it is cancelled"):
        await desk.session().ask(ID, "paused")
    with pytest.raises(ConfigurationError, match="has ended: it is cancelled"):
        await desk.session().claim(ID)


async def test_what_nobody_runs_is_cancelled_by_who_asks(desk: Desk) -> None:
    desk.queues.after = [Killed()]
    with pytest.raises(Killed):
        await desk.run(archive())
    desk.clock.now += 2 * LEASE

    assert (await desk.session().ask(ID, "cancelled")).state == "cancelled"
    assert len(desk.queues.told) == 1


async def test_cancelled_at_the_very_end_it_is_cancelled_and_so_is_its_digest(desk: Desk) -> None:
    """While outcomes are counted and parking is looked into nobody listens: it counts all the same.

    The end says "cancelled" or "finished", and the notifier sends only after the latter.
    """
    settle, asked = desk.place.outcomes.settle, list[str]()

    async def cancelled_meanwhile(replay_id: str) -> None:
        await settle(replay_id)
        if len(asked) < 9 and (await desk.session().standing(ID)).sent == COUNT:
            asked.append((await desk.session().ask(ID, "cancelled")).state)

    desk.place = replace(
        desk.place, outcomes=_Settling(**vars(desk.place.outcomes), during=cancelled_meanwhile)
    )
    done = await desk.run(archive(), to=("ada",))

    assert done.state == "cancelled"
    (told,) = desk.queues.told
    event = decode(told.body)
    assert isinstance(event, ReplayFinished)
    assert event.data.state == "cancelled"


@dataclass(frozen=True)
class _Settling(Outcomes):
    """Outcomes during whose settling something happens."""

    during: Callable[[str], Awaitable[None]] = field(kw_only=True)

    async def settle(self, replay_id: str) -> dict[str, int]:
        await self.during(replay_id)
        return {}


@pytest.mark.parametrize("then", ["paused", "resumed"])
async def test_a_cancel_that_a_dead_process_never_heard_is_not_forgotten(
    desk: Desk, then: str
) -> None:
    """It was said to be cancelled "within seconds": a later resume must not send the rest."""
    desk.queues.after = [Killed()]
    with pytest.raises(Killed):
        await desk.run(archive())
    await desk.session().ask(ID, "cancelled")  # its lease is not over: it may be alive
    before = names(desk)

    if then == "paused":
        await desk.session().ask(ID, "paused")
    done = await desk.resumed(archive())

    assert (done.state, names(desk)) == ("cancelled", before)


async def test_ctrl_c_beside_a_cancel_does_not_make_a_pause_of_it(desk: Desk) -> None:
    async def both() -> None:
        await desk.session().ask(ID, "cancelled")
        desk.stopped = True

    desk.meanwhile = both
    done = await desk.run(archive(), rate=4)

    assert done.state == "cancelled"


async def test_what_the_archive_forgot_before_it_was_resumed_is_no_good_end(desk: Desk) -> None:
    """All that was sent has an outcome; what was not is said, and the exit code is 1."""
    desk.queues.after = [Killed()]
    with pytest.raises(Killed):
        await desk.run(archive())
    kept = archive()
    kept.entries = kept.entries[7:]

    done = await desk.resumed(kept)

    console = Console(record=True, width=200)
    assert (done.state, done.unsettled, done.missing) == ("finished", 0, 7)
    assert not await report(console, desk.session(), done)
    assert "gone from the archive since it was chosen: 7" in console.export_text()


async def test_the_audit_event_is_told_though_the_first_try_died(desk: Desk) -> None:
    tell = desk.queues.tell
    desk.queues.tell = _dies  # type: ignore[method-assign]
    with pytest.raises(Killed):
        await desk.run(archive())
    desk.queues.tell = tell  # type: ignore[method-assign]

    assert not (await desk.session().standing(ID)).told
    assert (await desk.session().told(ID)).told
    assert (await desk.session().told(ID)).told
    assert len(desk.queues.told) == 1


async def _dies(event: Outgoing) -> None:
    raise Killed


async def test_who_lost_a_replay_to_another_one_stops(desk: Desk) -> None:
    first, second = desk.session(), desk.session()
    await first.begin(order(), COUNT)
    desk.clock.now += 2 * LEASE
    await second.claim(ID)

    with pytest.raises(Lost):
        await first.run(ID, archive(), 30.0)
    assert names(desk) == []
    assert (await second.run(ID, archive(), 30.0)).sent == COUNT


async def test_a_living_process_is_left_alone(desk: Desk) -> None:
    session = desk.session()
    await session.begin(order(), COUNT)

    async def lives() -> None:
        async with transaction(desk.place.engine) as connection:
            await journal.keep(connection, ID, session.holder, desk.clock())

    desk.meanwhile = lives
    with pytest.raises(Retryable, match="another process runs"):
        await desk.session().claim(ID)
    assert len(desk.slept) == 1, "it is seen at once that it lives"


async def test_its_pace_is_that_of_the_original_and_a_pause_is_heeded_meanwhile(
    desk: Desk,
) -> None:
    daily = Archive(
        [entry(classified(article=an_article(pmid=n)), n, hours=24 * n) for n in range(1, 4)]
    )

    done = await desk.run(daily, speed=1440)

    assert done.outcomes["notifier"]["sent"] == 3
    assert 119 <= sum(desk.slept) <= 122, "two days at a day a minute"
    assert max(desk.slept) <= 1.0
