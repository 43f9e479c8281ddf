"""`carillon poll --since` as a user types it, and its manners in a deployment."""

import asyncio
import signal
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.commands.backfill import BACKLOG, until_published
from services.console.standin import serve_standin
from services.ncbi_sim.catalogue import Catalogue, read_catalogue
from services.poller.tables import outbox
from shared.clock import system_clock
from shared.database import make_engine, transaction
from shared.errors import Retryable
from shared.migrate import upgrade
from shared.outbox import pending
from tests.eventually import eventually

ROOT = Path(__file__).parents[3]
TOPIC = """
id = "lupus"
title = "Lupus"
seed = 100
[[query]]
name = "lupus"
term = "lupus[tiab]"
"""


def since(days: int) -> str:
    return f"{system_clock() - timedelta(days=days):%Y-%m-%d}"


def catalogue() -> Catalogue:
    """A seed, two articles of 200 and 100 days ago, and one of yesterday."""
    articles = [
        {"pmid": pmid, "title": f"Lupus {pmid}", "journal": "J", "year": 2026, "entered_day": day}
        for pmid, day in ((100, -900), (201, -200), (202, -100), (203, -1))
    ]
    head = {"id": "c", "seed": 100, "day_zero": system_clock().date(), "days": 3, "notice": "Test."}
    return read_catalogue({"catalogue": head, "article": articles})


async def started(
    folder: Path, url: str, *words: str, topic: str = TOPIC, **more: str
) -> asyncio.subprocess.Process:
    (folder / "topics").mkdir(exist_ok=True)
    (folder / "topics" / "lupus.toml").write_text(topic, encoding="utf-8")
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.console", *words),
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "COLUMNS": "120",
            "CARILLON_STATE": str(folder / "state"),
            "POLLER_EUTILS_URL": url,
            "POLLER_NCBI_API_KEY": "k",
            "POLLER_TOPICS_DIR": str(folder / "topics"),
            "NOTIFIER_CAPTURE_DIR": str(folder / "mail"),
            **more,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # A shell starts what runs in its background deaf to Ctrl-C, and that is handed down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


async def carillon(
    folder: Path, url: str, *words: str, topic: str = TOPIC, **more: str
) -> tuple[int, str, str]:
    process = await started(folder, url, *words, topic=topic, **more)
    out, err = await asyncio.wait_for(process.communicate(), 90)
    return process.returncode or 0, out.decode(), err.decode()


def facts(printed: str) -> dict[str, str]:
    rows = (line.strip("│ ").split("│") for line in printed.splitlines() if line.startswith("│"))
    return {name.strip(): number.strip() for name, number in rows}


async def test_the_past_is_filled_once_and_a_second_time_there_is_nothing_to_ask(
    tmp_path: Path,
) -> None:
    async with serve_standin(catalogue(), system_clock) as url:
        code, printed, err = await carillon(tmp_path, url, "poll", "--since", since(250))
        again, reprinted, _ = await carillon(tmp_path, url, "poll", "--since", since(250))

    assert (code, again) == (0, 0), err
    first, second = facts(printed), facts(reprinted)
    assert (first["articles new"], first["windows open"]) == ("2", "0")
    assert int(first["windows closed now"]) >= 7
    assert second["windows closed before"] == first["windows closed now"]
    assert (second["windows closed now"], second["articles new"]) == ("0", "0")


@pytest.mark.connected
async def test_with_a_deployments_database_it_fills_that_and_leaves_publishing_to_its_poller(
    tmp_path: Path, postgres_url: str
) -> None:
    engine = make_engine(postgres_url)
    await upgrade(engine, "poller")
    async with serve_standin(catalogue(), system_clock) as url:
        code, printed, err = await carillon(
            tmp_path, url, "poll", "--since", since(250), CARILLON_DATABASE_URL=postgres_url
        )

    async with transaction(engine) as connection:
        kinds = set(await connection.scalars(sa.select(outbox.c.routing_key)))
        waiting = await pending(connection, outbox)
    await engine.dispose()
    assert code == 0, err
    assert facts(printed)["articles new"] == "2"
    assert (kinds, waiting) == ({"article.discovered"}, 2)
    assert not (tmp_path / "state").exists()


def closed_windows(folder: Path) -> int:
    store = folder / "state" / "poller.db"
    if not store.exists():
        return 0
    with closing(sqlite3.connect(store)) as connection:
        try:
            return int(connection.execute("select count(*) from windows").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


async def test_stopped_with_ctrl_c_it_says_so_and_goes_on_from_there(tmp_path: Path) -> None:
    async with serve_standin(catalogue(), system_clock) as url:
        process = await started(tmp_path, url, "poll", "--since", since(1500))
        await eventually(lambda: closed_windows(tmp_path) >= 3, within=60)
        process.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(process.communicate(), 60)
        done = closed_windows(tmp_path)
        code, printed, _ = await carillon(tmp_path, url, "poll", "--since", since(1500))

    assert process.returncode == 130, err.decode()
    assert "Stopped; nothing is lost" in out.decode()
    assert code == 0
    assert facts(printed)["windows closed before"] == str(done)


async def test_what_is_open_is_said_with_the_reason_and_how_to_go_on(tmp_path: Path) -> None:
    misspelt = TOPIC.replace("[tiab]", "[tiabb]")
    async with serve_standin(catalogue(), system_clock) as url:
        code, printed, _ = await carillon(
            tmp_path, url, "poll", "--since", since(250), topic=misspelt
        )

    assert code == 1
    assert facts(printed)["windows closed now"] == "0"
    assert "did not understand query 'lupus'" in printed
    assert "run the same command again" in printed


async def test_days_that_polls_cover_by_themselves_are_not_asked(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:1/"

    code, printed, _ = await carillon(tmp_path, nowhere, "poll", "--since", since(10))

    assert code == 0
    assert "Nothing to fill" in printed


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--until", "2020-01-01"), "say with --since where it begins"),
        (("--since", "2020-02-01", "--until", "2020-01-01"), "exchange the two days"),
        (("--since", "2020-01-01", "--topic", "other"), "known are lupus"),
    ],
)
async def test_a_span_that_cannot_be_is_one_clear_line(
    tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    code, _, err = await carillon(tmp_path, "http://127.0.0.1:1/", "poll", *words)

    assert code == 1
    assert says in err
    assert len(err.splitlines()) == 1


async def queue(engine: AsyncEngine, count: int) -> None:
    await upgrade(engine, "poller")
    now = datetime(2026, 9, 7, tzinfo=UTC)
    rows = [
        {"event_id": str(n), "type": "t", "routing_key": "k", "body": b"", "created_at": now}
        for n in range(count)
    ]
    async with transaction(engine) as connection:
        await connection.execute(outbox.insert(), rows)


async def test_it_goes_on_while_few_events_wait_to_be_published(sqlite: AsyncEngine) -> None:
    await queue(sqlite, BACKLOG)

    await until_published(sqlite, looks=0)


async def test_it_waits_while_many_do_and_goes_on_when_they_are_gone(sqlite: AsyncEngine) -> None:
    await queue(sqlite, BACKLOG + 1)
    waiting = asyncio.create_task(until_published(sqlite, looks=10_000, seconds=0.01))

    done, _ = await asyncio.wait([waiting], timeout=0.2)
    async with transaction(sqlite) as connection:
        await connection.execute(sa.delete(outbox).where(outbox.c.seq == 1))

    assert not done
    await asyncio.wait_for(waiting, 30)


async def test_it_stops_when_none_of_them_leaves(sqlite: AsyncEngine) -> None:
    await queue(sqlite, BACKLOG + 1)

    with pytest.raises(Retryable, match="does the poller run"):
        await until_published(sqlite, looks=2, seconds=0)
