"""Killed before any commit and started again, the embedded line ends with the same result.

SQLite commits are the only moments at which the line's state changes: to die at each of them, one
run after the other, is to die at every point that can be told apart from outside.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.console.demo import IDENTITY
from services.console.line import Line, open_line
from services.console.scenario import instants
from services.console.standin import serve_standin
from services.ncbi_sim.catalogue import Catalogue, load_catalogue
from services.ncbi_sim.settings import PACKAGED_CATALOGUE
from services.notifier import tables
from services.notifier.office import Office, Patience
from services.notifier.run import load_subscriptions
from services.notifier.senders.choose import choose
from services.poller.eutils import Access, Eutils
from services.poller.eutils.client import Client, Conduct, make_http
from services.poller.eutils.limit import Limiter
from services.poller.topic import read_topic
from shared.database import transaction
from tests.fakes import FakeClock

pytestmark = pytest.mark.timeout(300)

ROOT = Path(__file__).parents[2]
TOPIC = read_topic(ROOT / "topics" / "car-autoimmune.toml").model_copy(
    update={"poll_every_minutes": 24 * 60}
)
LIVES = 16
"""How many crash points are tried, spread evenly over all commits of an undisturbed run."""


class Killed(BaseException):
    """The process is gone: nothing may catch this."""


@dataclass(eq=False)
class Fate:
    """Counts commits, and kills before the one that it is set to."""

    kill_at: int | None = None
    commits: int = field(default=0)

    def __call__(self, _connection: object) -> None:
        self.commits += 1
        if self.commits == self.kill_at:
            raise Killed


@contextmanager
def _under(fate: Fate) -> Iterator[None]:
    sa.event.listen(Engine, "commit", fate)
    try:
        yield
    finally:
        sa.event.remove(Engine, "commit", fate)


@dataclass(frozen=True)
class World:
    """What outlives a killed process: its files, PubMed, and the time."""

    folder: Path
    catalogue: Catalogue
    clock: FakeClock
    eutils: Eutils
    steps: list[datetime]


async def _live(world: World) -> None:
    """One life of the process: from where the last one ended to the end, or to its death."""
    async with AsyncExitStack() as stack:
        taxonomy = load_taxonomy(TAXONOMY)
        line = await open_line(world.folder / "state", taxonomy, world.clock, stack)
        # A crashed sender's lease would be waited for in real minutes: here its time is over.
        later = Patience(timer=FakeClock(world.clock.now + timedelta(days=1)))
        office = Office(choose(world.folder / "mail", None, IDENTITY.sender), IDENTITY, later)
        subscriptions = ROOT / "deploy" / "subscriptions.toml"
        await load_subscriptions(line.stores.notifier, subscriptions, world.clock)
        for instant in world.steps:
            if instant >= world.clock.now:
                world.clock.now = instant
                later.timer.now += timedelta(hours=1)  # type: ignore[attr-defined]
                await _step(line, world, office)


async def _step(line: Line, world: World, office: Office) -> None:
    await line.poll(world.eutils, [TOPIC])
    await line.carry()
    await line.deliver(office)
    await line.carry()


async def _result(world: World) -> tuple[set[tuple[object, ...]], set[str], int]:
    """Ledger rows, names of the mails, and how many events wait or are parked."""
    async with AsyncExitStack() as stack:
        line = await open_line(world.folder / "state", load_taxonomy(TAXONOMY), world.clock, stack)
        async with transaction(line.stores.notifier) as connection:
            rows = await connection.execute(
                sa.select(
                    tables.ledger.c.subscription_id,
                    tables.ledger.c.pmid,
                    tables.ledger.c.kind,
                    tables.digests.c.state,
                ).join(tables.digests, tables.digests.c.id == tables.ledger.c.digest_id)
            )
            told = {tuple(row) for row in rows}
        async with transaction(line.bus.engine) as connection:
            left = await connection.scalar(
                sa.text("select (select count(*) from queue) + (select count(*) from parked)")
            )
    return told, {path.name for path in (world.folder / "mail").iterdir()}, int(left or 0)


def _small() -> Catalogue:
    whole = load_catalogue(PACKAGED_CATALOGUE)
    return whole.model_copy(
        update={
            "head": whole.head.model_copy(update={"days": 2}),
            "articles": tuple(a for a in whole.articles if -20 <= a.entered_day <= 2),
            "changes": (),
        }
    )


async def _run(folder: Path, kill_at: int | None) -> tuple[object, int]:
    catalogue = _small()
    steps = list(instants(catalogue))
    clock = FakeClock(steps[0])
    fate = Fate(kill_at)
    async with serve_standin(catalogue, clock) as url, make_http() as http:
        eutils = Eutils(Client(http, Access(url), Conduct(Limiter(per_second=1_000))))
        world = World(folder, catalogue, clock, eutils, steps)
        folder.mkdir()
        with _under(fate):
            try:
                await _live(world)
            except* Killed:
                await _live(world)
        return await _result(world), fate.commits


def test_killed_at_any_commit_and_started_again_the_result_is_the_same(tmp_path: Path) -> None:
    undisturbed, commits = asyncio.run(_run(tmp_path / "undisturbed", None))
    stride = max(1, commits // LIVES)

    assert commits > 100
    for point in range(1, commits, stride):
        disturbed, _ = asyncio.run(_run(tmp_path / f"killed-{point}", point))
        assert disturbed == undisturbed, f"killed before commit {point} of {commits}"
