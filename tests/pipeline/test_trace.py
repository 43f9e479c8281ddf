"""`carillon trace` on an embedded line that lived three days: what it tells."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.console import bus
from services.console.demo import IDENTITY
from services.console.line import open_line
from services.console.settings import Settings
from services.console.show_trace import as_json
from services.console.standin import serve_standin
from services.console.trace.places import Asked
from services.console.trace.reading import gather
from services.console.trace.timeline import trace
from services.ncbi_sim.catalogue import Catalogue, read_catalogue
from services.notifier import subscribers
from services.notifier.entries import read_entry
from services.notifier.office import Office
from services.notifier.senders.choose import choose
from services.poller.eutils import Access, Limiter, make_eutils
from services.poller.topic import Query, Topic
from shared.database import make_engine, transaction
from shared.errors import Permanent
from shared.topology import NOTIFIER
from tests.fakes import FakeClock

pytestmark = pytest.mark.timeout(300)

ROOT = Path(__file__).parents[2]
DAY_ZERO = date(2026, 9, 7)
TOPIC = Topic(
    id="lupus",
    title="CAR cells in lupus",
    seed=100,
    query=(Query(name="lupus", term="lupus[tiab]"),),
    backfill_years=1,
    poll_every_minutes=24 * 60,
)
NEW, LATE, BACKGROUND, PARKED, RETRACTED = 40005000, 40005002, 40001000, 40005003, 99000002
READERS: dict[str, dict[str, object]] = {
    "daily": {"cadence": "daily", "hour": 7},
    "weekly": {"cadence": "weekly", "weekday": "sunday", "hour": 7},
    "muting": {"cadence": "daily", "hour": 7, "filters": {"muted_journals": ["Journal of tests"]}},
    "asked": {"cadence": "daily", "hour": 7, "confirmed": False},
}


def _catalogue() -> Catalogue:
    def article(pmid: int, day: int) -> dict[str, object]:
        return {
            "pmid": pmid,
            "title": f"[Simulated] CD19 CAR-T cells in lupus, report {pmid}.",
            "journal": "Journal of tests",
            "year": 2026,
            "simulated": True,
            "entered_day": day,
            "summary": ["Patients with lupus received CD19 CAR-T cells and stayed well."],
        }

    days = {100: -900, BACKGROUND: -60, NEW: 0, RETRACTED: 0, LATE: 2, PARKED: 1, 99000001: 1}
    head = {"id": "past", "seed": 100, "day_zero": DAY_ZERO, "days": 3, "notice": "Test record."}
    change = {"day": 1, "pmid": RETRACTED, "kind": "retraction", "notice_pmid": 99000001}
    articles = [article(pmid, day) for pmid, day in days.items()]
    return read_catalogue({"catalogue": head, "article": articles, "change": [change]})


async def _lived(folder: Path) -> None:
    """Three days; what is about `PARKED` fails at the notifier for good."""
    clock = FakeClock(datetime.combine(DAY_ZERO, datetime.min.time(), UTC) + timedelta(hours=5))
    async with AsyncExitStack() as stack:
        line = await open_line(folder / "state", load_taxonomy(TAXONOMY), clock, stack)
        (classifier, classify), (notifier, project) = line.handlers

        async def broken(body: bytes) -> None:
            if str(PARKED).encode() in body:
                raise Permanent("this test wants it parked")
            await project(body)

        object.__setattr__(line, "handlers", ((classifier, classify), (notifier, broken)))
        url = await stack.enter_async_context(serve_standin(_catalogue(), clock))
        eutils = make_eutils(Access(url), limiter=Limiter(per_second=1_000))
        stack.push_async_callback(eutils.aclose)
        office = Office(choose(folder / "mail", None, IDENTITY.sender), IDENTITY)
        async with transaction(line.stores.notifier) as connection:
            for name, wish in READERS.items():
                entry = {"topic": "lupus", "address": f"{name}@example.org", "confirmed": True,
                         "id": name, "filters": {}, **wish}  # fmt: skip
                reader = read_entry(entry, "subscription", clock())
                await subscribers.save(connection, reader, "console", clock())
        for _ in range(3):
            await line.poll(eutils, [TOPIC])
            await line.carry()
            clock.advance(hours=5)
            await line.deliver(office)
            await line.carry()
            clock.advance(hours=19)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trace")
    asyncio.run(_lived(folder))
    return folder / "state"


def _carillon(state: Path, pmid: int, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.console", "trace", str(pmid), "--state", str(state)]
    return subprocess.run([*command, *more], cwd=ROOT, capture_output=True, text=True, check=False)


def _traced(state: Path, pmid: int) -> dict[str, Any]:
    now = datetime.combine(DAY_ZERO, datetime.min.time(), UTC) + timedelta(days=3)
    found = asyncio.run(gather(Settings(), Asked(pmid, None, state, now)))
    told: dict[str, Any] = json.loads(as_json(trace(found)))
    return told


def _titles(told: Mapping[str, Any]) -> list[str]:
    return [one["title"] for one in told["moments"]]


def test_a_paper_from_the_poll_to_its_readers(lived: Path) -> None:
    done = _carillon(lived, NEW)

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    shown = [line for line in lines if line.startswith("2026-09-")]
    for line, said in zip(
        shown,
        ["poller      Polled for lupus: complete", "poller      Found, revision 1",
         "classifier  Labelled, revision 1", "notifier    In the digest due 2026-09-07 07:00 UTC: "
         "accepted for 1 subscription"], strict=False,
    ):  # fmt: skip
        assert said in line
    for said in ("Matches query 'lupus'", "modality cd19-car-t", "had by the classifier 2026-09",
                 "had by the notifier 2026-09", "by email 1"):  # fmt: skip
        assert said in done.stdout
    assert "example.org" not in done.stdout
    assert [line[:10] for line in shown] == sorted(line[:10] for line in shown)


def test_why_others_were_not_told(lived: Path) -> None:
    told = _traced(lived, NEW)

    why = {name: one["why"] for one in told["untold"] for name in one["ids"]}
    assert why == {
        "muting": "filtered: of a journal or author that is muted",
        "asked": "not confirmed by its reader",
        "weekly": why["weekly"],
    }
    assert "digest" in why["weekly"]
    assert told["gaps"] == []
    assert told["known"]


def test_a_retraction_with_its_notice(lived: Path) -> None:
    titles = _titles(_traced(lived, RETRACTED))

    assert any(title.startswith("Changed in PubMed, revision 2:") for title in titles)
    assert any("a notice (retracted)" in title and "accepted" in title for title in titles)


def test_background_is_said_to_be_no_news(lived: Path) -> None:
    told = _traced(lived, BACKGROUND)

    assert "Taken in as background, revision 1" in _titles(told)
    why = {name: one["why"] for one in told["untold"] for name in one["ids"]}
    assert why["daily"].startswith("background")


def test_one_that_is_parked_says_where_and_why(lived: Path) -> None:
    told = _traced(lived, PARKED)

    (parked,) = [one for one in told["moments"] if one["title"].startswith("Parked")]
    assert parked["title"] == "Parked at the notifier: permanent (attempt 1)"
    assert "this test wants it parked" in parked["lines"][0]
    assert any("carillon parked redrive" in line for line in told["now"])
    assert "Labelled, revision 1" in _titles(told)


def test_what_is_not_known_is_said_with_where_it_was_looked_for(lived: Path) -> None:
    done = _carillon(lived, 7)

    assert done.returncode == 1
    assert "PMID 7 is not known here. Looked at:" in done.stdout
    assert "events from 2026-09-07 05:00 UTC to 2026-09-09 10:00 UTC" in done.stdout
    assert "the notifier's store" in done.stdout
    assert _carillon(lived, NEW, "--topic", "another").returncode == 1


def test_what_waits_for_its_consumer_is_said(lived: Path, tmp_path: Path) -> None:
    """Taken out of the notifier's store and put into its queue again: as if it had never come."""
    copy = tmp_path / "state"
    copy.mkdir()
    for file in lived.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())

    async def put_back() -> str:
        engine = make_engine(f"sqlite+aiosqlite:///{copy}/bus.db")
        async with transaction(engine) as connection:
            rows = await connection.execute(
                sa.select(bus.archive).where(bus.archive.c.routing_key == "article.classified")
            )
            row = next(row for row in rows if str(LATE).encode() in row.body)
            await connection.execute(
                bus.queue.insert().values(
                    consumer=NOTIFIER.name, archived=row.seq, attempt=2,
                    due_at=row.published_at, last_error="Retryable: away",
                )
            )  # fmt: skip
        await engine.dispose()
        return str(row.event_id)

    event_id = asyncio.run(put_back())
    (line,) = _traced(copy, LATE)["now"]

    assert line.startswith(
        f"event {event_id} waits for the notifier, tried 2 times, due 2026-09-09"
    )
    assert line.endswith("the last error: Retryable: away")


def test_a_store_that_cannot_be_read_is_a_gap_and_not_an_empty_one(
    lived: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "state"
    copy.mkdir()
    for file in lived.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    (copy / "bus.db").unlink()

    done = _carillon(copy, NEW)

    assert done.returncode == 1
    assert "NOT LOOKED AT: the archive" in done.stdout
    assert "In the digest due" in done.stdout, "the rest is told all the same"


def test_a_damaged_store_is_a_gap_too(lived: Path, tmp_path: Path) -> None:
    copy = tmp_path / "state"
    copy.mkdir()
    for file in lived.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    (copy / "classifier.db").write_bytes(b"no database" * 500)

    told = _traced(copy, NEW)

    places = ", ".join(gap["place"] for gap in told["gaps"])
    assert places == (
        "the classifier's store, the classifier's outbox, the classifier's inbox, "
        "the classifier's replays"
    )
    assert any("In the digest due" in title for title in _titles(told))


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    done = _carillon(tmp_path, NEW)

    assert done.returncode == 1
    assert "nothing in" in done.stderr
