"""A backfill of hundreds of articles on the embedded line: readers must not notice it at all."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.console.demo import IDENTITY, sent_digests
from services.console.line import Line, open_line
from services.console.pulse import take_pulse
from services.console.standin import serve_standin
from services.ncbi_sim.catalogue import Catalogue, read_catalogue
from services.notifier import subscribers, tables
from services.notifier.digest import Digest
from services.notifier.entries import read_entry
from services.notifier.office import Office
from services.notifier.senders.choose import choose
from services.poller.backfill import begin, go_through
from services.poller.backfill_windows import Span
from services.poller.collect import Outside
from services.poller.eutils import Access, Eutils, Limiter, make_eutils
from services.poller.topic import Query, Topic
from shared.database import transaction
from tests.fakes import FakeClock

pytestmark = pytest.mark.timeout(300)

DAY_ZERO = date(2026, 9, 7)
OLD = 400
TOPIC = Topic(
    id="lupus",
    title="CAR cells in lupus",
    seed=100,
    query=(Query(name="lupus", term="lupus[tiab]"),),
    backfill_years=0,
    poll_every_minutes=24 * 60,
)
READER = {
    "topic": "lupus",
    "address": "daily@example.org",
    "confirmed": True,
    "cadence": "daily",
    "hour": 7,
    "filters": {},
}
Step = Callable[[Line, Eutils, Office], Awaitable[None]]


def _catalogue() -> Catalogue:
    """Four hundred articles of the past, one of each day before the first poll and after it."""

    def article(pmid: int, day: int) -> dict[str, object]:
        title = f"CD19 CAR-T cells in lupus, report {pmid}."
        return {
            "pmid": pmid,
            "title": title,
            "journal": "Journal of tests",
            "year": 2026,
            "entered_day": day,
            "summary": ["Patients with lupus received CD19 CAR-T cells and stayed well."],
        }

    old = [article(1000 + n, -60 - 2 * n) for n in range(OLD)]
    new = [article(5000 + day, day) for day in range(-3, 3)]
    head = {"id": "past", "seed": 100, "day_zero": DAY_ZERO, "days": 3, "notice": "Test record."}
    seed = article(100, -900)
    return read_catalogue({"catalogue": head, "article": [seed, *old, *new]})


async def _nothing(_line: Line, _eutils: Eutils, _office: Office) -> None:
    return None


async def _backfill(line: Line, eutils: Eutils, _office: Office) -> None:
    """Its events stay in the outbox: the next poll's stand behind them."""
    outside = Outside(line.stores.poller, eutils, line.clock)
    planned = await begin(outside, TOPIC, Span(date(2024, 1, 1)))
    steps = [step async for step in go_through(outside, planned)]
    assert {step.leg.state for step in steps} == {"closed"}
    assert sum(step.leg.new for step in steps) == OLD


async def _lived(folder: Path, between: Step) -> tuple[list[Digest], int, list[str]]:
    """Three days of polls and digests; `between` happens after each poll was carried.

    The digests, the articles the notifier knows, and what is still owed at the end.
    """
    folder.mkdir()
    clock = FakeClock(datetime.combine(DAY_ZERO, datetime.min.time(), UTC) + timedelta(hours=5))
    async with AsyncExitStack() as stack:
        line = await open_line(folder / "state", load_taxonomy(TAXONOMY), clock, stack)
        url = await stack.enter_async_context(serve_standin(_catalogue(), clock))
        eutils = make_eutils(Access(url), limiter=Limiter(per_second=1_000))
        stack.push_async_callback(eutils.aclose)
        office = Office(choose(folder / "mail", None, IDENTITY.sender), IDENTITY)
        async with transaction(line.stores.notifier) as connection:
            reader = read_entry(READER, "subscription", clock())
            await subscribers.save(connection, reader, "console", clock())
        for day in range(3):
            await line.poll(eutils, [TOPIC])
            await line.carry()
            if day == 1:
                await between(line, eutils, office)
            clock.advance(hours=3)
            await line.deliver(office)
            await line.carry()
            clock.advance(hours=21)
        pulse = await take_pulse(line.stores, TOPIC.id, clock())
        owed = [f"{pulse.on_the_way} on the way", f"{sum(pulse.outboxes.values())} in outboxes"]
        async with transaction(line.stores.notifier) as connection:
            known = await connection.scalar(sa.select(sa.func.count()).select_from(tables.articles))
        return await sent_digests(line), known or 0, owed


def _told(digest: Digest) -> dict[str, object]:
    """All of a digest but the picture of the topic's year, which the past belongs to."""
    return digest.model_dump(mode="json", exclude={"trend"})


def test_a_backfill_makes_no_mail_delays_none_and_changes_no_digest(tmp_path: Path) -> None:
    without, few, _ = asyncio.run(_lived(tmp_path / "without", _nothing))
    with_it, many, owed = asyncio.run(_lived(tmp_path / "with", _backfill))

    assert [digest.total for digest in without] == [4, 1, 1]
    assert list(map(_told, with_it)) == list(map(_told, without))
    assert (few, many) == (6, 6 + OLD)
    assert owed == ["0 on the way", "0 in outboxes"]
