"""Backed up under load and restored elsewhere, on real engines: nothing missing, nothing twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from services.console.audit.facts import Facts
from services.console.audit.gather import gather
from services.console.audit.judge import judge
from services.console.commands.record_events import write as record
from services.console.keeping.backup import back_up_deployment
from services.console.keeping.restore import Restored, opened, restore_deployment
from services.console.replay.selection import Asked, parse_selection
from services.console.scenario import instants
from services.console.settings import Settings
from services.console.standin import serve_standin
from services.console.trace.places import Asked as AskedOf
from services.ncbi_sim.catalogue import Catalogue, load_catalogue
from services.ncbi_sim.settings import PACKAGED_CATALOGUE
from services.notifier import resume, subscribers
from services.poller.eutils import Access, Eutils, Limiter, make_eutils
from services.poller.topic import read_topic
from shared.clock import system_clock
from shared.database import transaction
from tests.chaos.received import Received
from tests.fakes import FakeClock
from tests.installation import Installation, Place, install, running
from tests.parts import Postgres, Rabbit
from tests.unit.notifier.kit import a_subscription

pytestmark = [pytest.mark.connected, pytest.mark.timeout(500)]

ROOT = Path(__file__).parents[2]
TOPIC = read_topic(ROOT / "topics" / "car-autoimmune.toml").model_copy(
    update={"poll_every_minutes": 24 * 60}
)
NO_CHOICE = parse_selection(Asked(), datetime(2030, 1, 1).astimezone())


@dataclass(frozen=True)
class World:
    """PubMed, the time, and engines for as many installations as are wanted."""

    clock: FakeClock
    eutils: Eutils
    steps: Sequence[datetime]
    rabbit: Rabbit
    postgres: Postgres

    def place(self) -> Place:
        name = f"k{uuid4().hex[:12]}"
        return Place(
            self.rabbit.new_vhost(name), self.postgres.new_database(name), self.rabbit.stream_port
        )

    async def live(self, one: Installation, steps: Sequence[datetime]) -> None:
        for step in steps:
            self.clock.now = step
            await one.poll()
            await one.arrived()
            await one.deliver()
        await one.arrived()


def _small(whole: Catalogue) -> Catalogue:
    """The first days of the demo, and one more: a line that was restored polls at other hours."""
    return whole.model_copy(
        update={
            "head": whole.head.model_copy(update={"days": DAYS + 1}),
            "articles": tuple(a for a in whole.articles if a.entered_day <= DAYS),
        }
    )


READERS = (
    a_subscription(id="daily", address="daily@example.org"),
    a_subscription(id="monthly", address="daily@example.org", cadence="monthly", day=10),
    a_subscription(id="at-once", address="at-once@example.org", cadence="immediate"),
    a_subscription(id="weekly", address="weekly@example.org", cadence="weekly", weekday="thursday"),
    a_subscription(id="curious", address="curious@example.org", background=True),
)
"""Two subscriptions are of one person; the weekly one has its turn in the days that are lost."""


@pytest.fixture
async def world(rabbit: Rabbit, postgres: Postgres) -> AsyncIterator[World]:
    catalogue = _small(load_catalogue(PACKAGED_CATALOGUE))
    steps = list(instants(catalogue))
    clock = FakeClock(steps[0])
    async with serve_standin(catalogue, clock) as url:
        eutils = make_eutils(Access(url), limiter=Limiter(per_second=1_000))
        yield World(clock, eutils, steps, rabbit, postgres)
        await eutils.aclose()


def told(mails: Sequence[Received]) -> Counter[tuple[str, int]]:
    """How often each reader was sent each paper."""
    return Counter((mail.recipient, pmid) for mail in mails for pmid in mail.pmids)


def twice(mails: Sequence[Received]) -> set[tuple[str, int]]:
    return {key for key, count in told(mails).items() if count > 1}


@dataclass(frozen=True)
class Lost:
    """What is left of an installation: a backup, what its readers got, its archive of the end."""

    folder: Path
    later: Path
    mails: list[Received]
    since: list[Received]
    at: datetime
    undisturbed: Counter[tuple[str, int]]


DAYS = 5
BACKUP, DISASTER = 4, 8
"""Steps, two a day: the backup is made in the poll of the first; the second is no more lost."""


async def _lost(world: World, folder: Path) -> Lost:
    place = world.place()
    await install(place)
    async with running(place, world.clock, world.eutils, TOPIC) as one:
        async with transaction(one.stores.notifier) as connection:
            for reader in READERS:
                await subscribers.save(connection, reader, "console", world.clock())
        await world.live(one, world.steps[:BACKUP])
        before = len(one.sender.taken)

        world.clock.now = world.steps[BACKUP]
        one.gate.close_after(3)
        polling = asyncio.create_task(one.poll())
        await asyncio.sleep(1.0)  # what it found is in outboxes, in queues and in hand
        await back_up_deployment(place.database, place.stream, folder / "backup", world.clock)
        one.gate.open()
        await polling
        await world.live(one, world.steps[BACKUP:DISASTER])
        mails = list(one.mails)
        later = folder / "later.jsonl"
        with later.open("wb") as file:
            await record(place.stream.read, NO_CHOICE, file)
        at = world.clock.now
        await world.live(one, world.steps[DISASTER:])  # as if nothing had happened
        await audited(place)
        return Lost(folder / "backup", later, mails, mails[before:], at, told(one.mails))


async def audited(place: Place) -> None:
    """As `carillon audit` does it."""
    settings = Settings(
        database_url=SecretStr(place.database),
        amqp_url=SecretStr(place.amqp),
        stream_port=place.stream_port,
    )
    facts = await gather(settings, AskedOf(0, None, None, system_clock()))
    assert isinstance(facts, Facts), facts
    verdict = judge(facts)
    assert verdict.articles > 30
    assert verdict.places == {"at the notifier": verdict.articles}
    assert verdict.findings == ()


async def _restored(world: World, lost: Lost, later: Path | None = None) -> tuple[Place, Restored]:
    place = world.place()
    world.clock.now = lost.at
    source = opened(lost.folder, "postgresql", later)
    return place, await restore_deployment(place.database, place.stream, source, world.clock)


async def test_a_restored_line_goes_on_and_tells_nothing_twice_that_is_known_as_told(
    world: World, tmp_path: Path
) -> None:
    lost = await _lost(world, tmp_path)
    assert told(lost.since), "nobody was sent anything in the days that were lost"

    # The broker outlived the database: its archive says what was sent.
    place, done = await _restored(world, lost, lost.later)
    assert done.handed_on > 0
    assert done.sent_since == len(lost.since)
    async with running(place, world.clock, world.eutils, TOPIC) as one:
        await one.poll()
        await one.arrived()
        assert await one.deliver() == 0
        assert one.mails == []
        async with transaction(one.stores.notifier) as connection:
            await resume.again(connection, world.clock())
        await world.live(one, world.steps[DISASTER:])
        assert told([*lost.mails, *one.mails]) == lost.undisturbed
        await audited(place)

    # Nothing is known, and what was due counts as told.
    place, done = await _restored(world, lost)
    assert done.sent_since == 0
    async with running(place, world.clock, world.eutils, TOPIC) as one:
        await one.poll()
        await one.arrived()
        async with transaction(one.stores.notifier) as connection:
            counted = await resume.count_as_told(connection, lost.at, world.clock())
        await world.live(one, world.steps[DISASTER:])
        mails = [*lost.mails, *one.mails]
        assert not twice(mails)
        listed = {pmid for each in counted for pmid in each.pmids}
        missing = lost.undisturbed.keys() - told(mails).keys()
        assert {pmid for _, pmid in missing} <= listed
        await audited(place)
