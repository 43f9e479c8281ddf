"""The poller's boundaries: the ledger of a poll with its cursors, and the windows of the past."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from services.console.standin import serve_standin
from services.ncbi_sim.catalogue import Catalogue, read_catalogue
from services.poller import tables
from services.poller.eutils import Access, Limiter, make_eutils
from services.poller.run import poll_due
from shared.database import transaction
from tests.chaos.crash.boundary import Facts
from tests.chaos.crash.lives import TOPIC, Given
from tests.chaos.crash.world import World

DAY_ZERO = date(2026, 9, 7)
FIRST = datetime.combine(DAY_ZERO, time(5), UTC)
"""When the topic is polled for the first time."""

OLD, NEW, NOTICE = range(1001, 1004), range(2001, 2004), 3001


DAYS = (-85, -55, -25)
"""When the old ones entered, in days from day zero: each in a month of its own."""


def catalogue() -> Catalogue:
    """Three articles of three months, as many new ones, and what becomes of two old ones."""
    old = [_article(pmid, DAYS[n]) for n, pmid in enumerate(OLD)]
    new = [_article(pmid, 1 + n % 2) for n, pmid in enumerate(NEW)]
    head = {"id": "crash", "seed": 100, "day_zero": DAY_ZERO, "days": 4, "notice": "Test record."}
    changes = [
        {"day": 2, "pmid": OLD[2], "kind": "retraction", "notice_pmid": NOTICE},
        {"day": 2, "pmid": OLD[1], "kind": "revision", "summary": ["Lupus, and other words."]},
    ]
    articles = [_article(100, -900), *old, *new, _article(NOTICE, 2)]
    return read_catalogue({"catalogue": head, "article": articles, "change": changes})


def _article(pmid: int, day: int) -> dict[str, object]:
    return {
        "pmid": pmid,
        "title": f"CD19 CAR-T cells in lupus, report {pmid}.",
        "journal": "Journal of tests",
        "year": 2026,
        "entered_day": day,
        "cites_seed": pmid % 2 == 0 and pmid != 100,
        "simulated": True,
        "summary": ["Patients with lupus received CD19 CAR-T cells and stayed well."],
    }


async def _facts(world: World) -> dict[str, frozenset[Any]]:
    """Articles, and the events that tell of them: one id and one row for each."""
    articles = await world.rows(sa.select(tables.articles))
    events = await world.rows(sa.select(tables.outbox))
    return {
        "articles": frozenset((r.pmid, r.revision, r.status, r.backfill) for r in articles),
        "events": frozenset(
            Counter(row.event_id for row in events if row.routing_key != "poll.completed").items()
        ),
        "polls told": frozenset(Counter(row.routing_key for row in events).items()),
    }


def _untold(found: Facts, before: int) -> list[str]:
    """Rows and the events about them are written together."""
    news = sum(revision for _, revision, _, _ in found["articles"]) - before
    told = len(found["events"])
    return [] if news == told else [f"{news} revisions of articles, and {told} events of them"]


class _Poller:
    """What both have in common: PubMed's stand-in, and empty queues."""

    async def open(self, world: World) -> None:
        """Serve PubMed, as it is at the world's time."""
        if not world.eutils:
            served = serve_standin(catalogue(), world.clock)
            world.eutils = await world.stack.enter_async_context(served)

    async def stage(self, world: World) -> None:
        """Nothing: all of it is in the template, and in PubMed."""

    def given(self, world: World, number: int) -> Given:
        """Three days after the first poll, and ten minutes later for each life."""
        world.clock.now = FIRST + timedelta(days=3, minutes=10 * number)
        return Given(world.database, world.amqp, world.clock.now, eutils=world.eutils)

    async def repeated(self, world: World) -> frozenset[str]:
        """Nothing leaves the database."""
        return frozenset()

    async def may_repeat(self, world: World) -> frozenset[str]:
        """Nothing."""
        return frozenset()


@dataclass
class PollLedger(_Poller):
    """The second poll of a topic: new articles, a retraction and a revision, in small chunks."""

    name: str = "poll ledger"

    async def fill(self, world: World) -> None:
        """The first poll, and its events sent."""
        await self.open(world)
        world.clock.now = FIRST
        eutils = make_eutils(Access(world.eutils), limiter=Limiter(per_second=1000))
        await poll_due(world.engine, eutils, [TOPIC], world.clock)
        await eutils.aclose()
        async with transaction(world.engine) as connection:
            await connection.execute(tables.outbox.delete())

    async def facts(self, world: World) -> Facts:
        """Also the poll's lines, and where the cursors stand: at its start."""
        polls = await world.rows(sa.select(tables.polls).order_by(tables.polls.c.started_at))
        started = {row.started_at: number for number, row in enumerate(polls)}
        cursors = await world.rows(sa.select(tables.cursors))
        legs = await world.rows(sa.select(tables.legs))
        return {
            **await _facts(world),
            "polls": frozenset({len(polls)}),
            "cursors": frozenset((row.leg, started.get(row.moved_to)) for row in cursors),
            "lines": frozenset(Counter((row.leg, row.state) for row in legs).items()),
        }

    async def faults(self, world: World, undisturbed: Facts) -> list[str]:
        """A cursor that has moved past what is not recorded; an article without its event."""
        found = await self.facts(world)
        problems = _untold(found, before=len(OLD))
        moved = {number for _, number in found["cursors"]} != {0}
        if moved and found != undisturbed:
            problems.append("the cursors have moved before all was written")
        return problems


@dataclass
class Windows(_Poller):
    """The past of a topic's query, month by month."""

    name: str = "windows"

    async def fill(self, world: World) -> None:
        """Nothing but PubMed."""
        await self.open(world)

    async def facts(self, world: World) -> Facts:
        """Also the windows, each closed."""
        windows = await world.rows(sa.select(tables.windows))
        rows = ((row.leg, row.first_day, row.last_day, row.state) for row in windows)
        return {**await _facts(world), "windows": frozenset(rows)}

    async def faults(self, world: World, undisturbed: Facts) -> list[str]:
        """A window that is closed, and an article of it that is not there."""
        known = await world.rows(sa.select(tables.articles.c.entered_at))
        days = {row.entered_at.date() for row in known}
        wanted = {DAY_ZERO + timedelta(days=day) for day in DAYS}
        windows = await world.rows(sa.select(tables.windows))
        missing = [
            f"window {row.first_day} is closed without what entered on {day}"
            for row in windows
            for day in wanted - days
            if row.first_day <= day <= row.last_day
        ]
        return missing + _untold(await self.facts(world), before=0)
