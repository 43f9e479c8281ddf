"""One limit for every process that shares a database."""

import asyncio
import sys
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.poller import tables
from services.poller.eutils import Access, Client, Conduct, Eutils, Timing
from services.poller.eutils.limit import LONGEST_PAUSE, Limiter, Slot
from services.poller.pace import DatabasePace, shared_limiter
from services.poller.run import poll_topic
from shared.database import make_engine, transaction
from shared.errors import Retryable
from tests.unit.poller.fakes import BASE, FakePubMed
from tests.unit.poller.polling import DAY, TOPIC

SECONDS, TASKS = 3.5, 6
ROOT = Path(__file__).parents[3]


@pytest.fixture
async def store(database: AsyncEngine) -> AsyncEngine:
    async with transaction(database) as connection:
        await connection.run_sync(tables.pace.create)
    return database


def url_of(engine: AsyncEngine) -> str:
    return engine.url.render_as_string(hide_password=False)


async def starts_of_two_processes(engine: AsyncEngine, key: str) -> list[float]:
    command = (sys.executable, "-m", "tests.unit.poller.take_slots")
    arguments = (url_of(engine), key, f"{SECONDS}", f"{TASKS}")
    pipe = asyncio.subprocess.PIPE
    processes = [
        await asyncio.create_subprocess_exec(
            *command, *arguments, stdin=pipe, stdout=pipe, cwd=ROOT
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout
        assert await process.stdout.readline() == b"ready\n"
    written = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0, 0]
    taken = [[float(line) for line in out.split()] for out, _ in written]
    assert all(len(starts) > 2 for starts in taken), "both processes had their share"
    return sorted(taken[0] + taken[1])


@pytest.mark.parametrize(("key", "limit"), [("-", 3), ("a-key", 10)])
async def test_two_processes_together_keep_the_limit_and_use_it(
    store: AsyncEngine, key: str, limit: int
) -> None:
    # A busy machine misses slots: one of a few tries shows that they can all be used.
    used = 0.0
    for _ in range(3):
        starts = await starts_of_two_processes(store, key)
        assert busiest_second(starts) <= limit
        used = max(used, (len(starts) - 1) / (starts[-1] - starts[0]))
        if used >= 0.8 * limit:
            return
    pytest.fail(f"{used:.1f} requests a second of the {limit} that NCBI allows")


def busiest_second(starts: list[float]) -> int:
    return max(sum(1 for other in starts if start <= other < start + 1) for start in starts)


async def test_callers_of_other_keys_are_counted_apart(store: AsyncEngine) -> None:
    for key in (None, "one", "two"):
        await shared_limiter(store, key).slot()

    async with transaction(store) as connection:
        keys = set((await connection.execute(sa.select(tables.pace.c.key))).scalars())
    assert len(keys) == 3
    assert "address" in keys
    assert not keys & {"one", "two"}


async def test_a_pause_holds_for_other_processes_too(store: AsyncEngine) -> None:
    await DatabasePace(store, "address").hold(60)

    slot = await DatabasePace(store, "address").reserve(0.4)

    assert 59 < slot.wait <= 60


async def test_a_shorter_pause_does_not_end_a_longer_one(store: AsyncEngine) -> None:
    pace = DatabasePace(store, "address")
    await pace.hold(60)
    await pace.hold(1)

    assert (await pace.reserve(0.4)).wait > 59


async def test_a_slot_can_be_had_that_is_not_before_its_time(store: AsyncEngine) -> None:
    pace = DatabasePace(store, "address")

    waits = [(await pace.reserve(10.0, ahead=50.0)).wait, (await pace.reserve(10.0)).wait]

    assert [round(wait, -1) for wait in waits] == [50, 60]


async def test_a_slot_that_nobody_used_costs_that_slot_alone(store: AsyncEngine) -> None:
    pace = DatabasePace(store, "address")
    waits = [(await pace.reserve(10.0)).wait for _ in range(3)]

    assert [round(wait, -1) for wait in waits] == [0, 10, 20]


async def test_a_clock_that_was_put_back_does_not_stop_the_poller(sqlite: AsyncEngine) -> None:
    async with transaction(sqlite) as connection:
        await connection.run_sync(tables.pace.create)
    await DatabasePace(sqlite, "address", lambda: 1_000_000.0).hold(LONGEST_PAUSE)

    slot = await DatabasePace(sqlite, "address", lambda: 900_000.0).reserve(0.4)

    assert slot.wait == 0


async def test_without_its_database_no_slot_is_given() -> None:
    # No SQLite: the driver's thread would outlive the failure, and with it this test's loop.
    engine = make_engine("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")

    with pytest.raises(Retryable, match="database"):
        await shared_limiter(engine, None).slot()
    with pytest.raises(Retryable, match="database"):
        await shared_limiter(engine, None).pause(1.0)


class Written:
    """A pace that gives out the slots it was given."""

    def __init__(self, *slots: Slot) -> None:
        self.slots = list(slots)
        self.ahead: list[float] = []

    async def reserve(self, _gap: float, ahead: float = 0.0) -> Slot:
        self.ahead.append(ahead)
        return self.slots.pop(0)

    async def hold(self, _seconds: float) -> None:
        return None


@pytest.mark.parametrize("missed", [Slot(-1.0), Slot(0.0, doubt=1.0)])
async def test_a_slot_whose_time_has_passed_is_not_used(missed: Slot) -> None:
    pace = Written(missed, Slot(0.0))

    await Limiter(3, pace, Timing(monotonic=lambda: 0.0)).slot()

    assert pace.slots == []
    assert pace.ahead == [0.0, 1.0]


async def test_a_database_that_is_always_slow_makes_requests_rare_and_does_not_stop_them() -> None:
    pace = Written(*[Slot(-1.0)] * 9)

    await Limiter(3, pace, Timing(monotonic=lambda: 0.0)).slot()

    assert len(pace.ahead) == 5


async def test_a_slot_within_a_pause_is_not_used() -> None:
    pace = Written(Slot(1.0), Slot(5.0))
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 1:
            await limiter.pause(5.0)

    limiter = Limiter(3, pace, Timing(lambda: 0.0, sleep))
    await limiter.slot()

    assert slept == [1.0, 5.0]


async def test_a_whole_poll_takes_its_slots_from_the_database_it_writes_to(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    """A slot taken inside a transaction would wait for itself, and the poll for ten seconds."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(pubmed.answer))
    eutils = Eutils(Client(http, Access(BASE), Conduct(shared_limiter(engine, "a-key"))))

    polled = await poll_topic(engine, eutils, TOPIC, lambda: DAY)

    assert [leg.error for leg in polled.legs] == [None] * len(polled.legs)
    async with transaction(engine) as connection:
        row = (await connection.execute(sa.select(tables.pace))).one()
    assert row.free_at > 0
