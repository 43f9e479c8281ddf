"""Backup, restore and the way on, of the embedded mode, as an operator types them."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.console.app import cli
from services.console.bus import archive, parked, queue
from services.console.keeping.at_sqlite import FILES
from services.console.keeping.manifest import NAME
from services.console.line import Line, open_line
from services.console.stores import embedded_url
from services.notifier import tables as notifier
from services.poller import tables as poller
from shared.clock import system_clock
from shared.database import make_engine, transaction
from shared.errors import ConfigurationError
from shared.migrate import step_back, upgrade
from shared.outbox import add_all, relay
from tests.builders import an_article, discovered, poll_completed
from tests.eventually import eventually

NOW = datetime.now(UTC)


def carillon(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


def refused(*words: str) -> str:
    fault = carillon(*words).exception
    assert isinstance(fault, ConfigurationError), fault
    return str(fault)


async def _on(state: Path, act: Callable[[Line], object]) -> None:
    async with AsyncExitStack() as stack:
        line = await open_line(state, load_taxonomy(TAXONOMY), system_clock, stack)
        await act(line)  # type: ignore[misc]


async def _live(line: Line) -> None:
    """One paper has arrived, one is at the classifier, one in the poller's outbox, one parked."""
    for pmid in (1, 2, 3):
        async with transaction(line.stores.poller) as connection:
            event = discovered(article=an_article(pmid=pmid))
            await add_all(connection, poller.outbox, [event, poll_completed()][: pmid % 2 + 1], NOW)
        if pmid == 1:
            await line.carry()
        if pmid == 2:
            await relay(line.stores.poller, poller.outbox, line.bus.publish)
    async with transaction(line.bus.engine) as connection:
        await connection.execute(
            parked.insert().values(
                consumer="notifier", archived=1, attempt=1, reason="permanent", error="a test's",
                traceback="", first_failed_at=NOW, parked_at=NOW,
            )
        )  # fmt: skip


@pytest.fixture
def lived(tmp_path: Path) -> Path:
    asyncio.run(_on(tmp_path / "state", _live))
    return tmp_path / "state"


@pytest.fixture
def kept(lived: Path, tmp_path: Path) -> Path:
    made = carillon("backup", str(tmp_path / "kept"), "--state", str(lived))
    assert made.exit_code == 0, made.output
    assert "of 4 stores" in made.output
    return tmp_path / "kept"


def rows(state: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in all stores."""
    found = {}
    for name in FILES.values():
        with closing(sqlite3.connect(state / name)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (table,) in tables.fetchall():
                found[f"{name}/{table}"] = connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
    return found


async def _counts(state: Path) -> tuple[int, int, int]:
    engine = make_engine(embedded_url(state, "bus"))
    async with transaction(engine) as connection:
        counts = [
            await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in (archive, queue, parked)
        ]
    await engine.dispose()
    return counts[0], counts[1], counts[2]


def test_what_was_backed_up_is_there_again_and_sending_is_held(
    lived: Path, kept: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    done = carillon("restore", str(kept), "--state", str(other))
    assert done.exit_code == 0, done.output
    assert "Sending is held." in done.output
    before, after = rows(lived), rows(other)
    hold = after.pop("notifier.db/holds")
    assert (len(hold), before.pop("notifier.db/holds")) == (1, [])
    assert after == before
    assert asyncio.run(_counts(other)) == (4, 1, 1)
    assert sorted(path.name for path in other.iterdir()) == sorted(FILES.values())

    shown = carillon("sending", "--state", str(other))
    assert shown.exit_code == 1
    assert "Sending is held since" in shown.output
    assert "--count-as-told" in shown.output
    status = carillon("status", "--state", str(other))
    assert status.exit_code == 1
    assert "sending is held, restored" in " ".join(status.output.split())
    assert "say one of" in refused("sending", "resume", "--state", str(other))
    went_on = carillon("sending", "resume", "--again", "--state", str(other))
    assert went_on.output == "Sending goes on; 0 papers count as told.\n"
    assert carillon("sending", "--state", str(other)).output == "Sending is not held.\n"


def test_a_backup_while_the_line_runs_is_of_one_instant(lived: Path, tmp_path: Path) -> None:
    """What the poller found is in exactly one place: its outbox, or the bus."""

    async def under_load(line: Line) -> None:
        found: list[int] = []

        async def find() -> None:
            for pmid in count(100):
                async with transaction(line.stores.poller) as connection:
                    event = discovered(article=an_article(pmid=pmid))
                    await add_all(connection, poller.outbox, [event], NOW)
                    await connection.execute(
                        poller.pace.insert().values(key=str(pmid), free_at=0.0)
                    )
                await relay(line.stores.poller, poller.outbox, line.bus.publish)
                found.append(pmid)

        async def back_up() -> None:
            for number in range(3):
                before = len(found)
                await eventually(lambda: len(found) > before + 3, within=30)  # noqa: B023
                made = await asyncio.to_thread(
                    carillon, "backup", str(tmp_path / f"kept{number}"), "--state", str(lived)
                )
                assert made.exit_code == 0, made.output

        finding = asyncio.create_task(find())
        await back_up()
        finding.cancel()
        await asyncio.gather(finding, return_exceptions=True)

    asyncio.run(_on(lived, under_load))
    counts = []
    for number in range(3):
        found = rows(tmp_path / f"kept{number}")
        known = {row[0] for row in found["poller.db/pace"]}
        bodies = [row[4] for row in found["poller.db/outbox"] + found["bus.db/archive"]]
        names = [str(json.loads(body)["subject"]) for body in bodies]
        pmids = [name for name in names if name.isdigit()]
        assert sorted(pmid for pmid in pmids if int(pmid) >= 100) == sorted(known)
        counts.append(len(known))
    assert 0 < counts[0] < counts[1] < counts[2]


def test_a_restore_adds_to_nothing(lived: Path, kept: Path) -> None:
    said = refused("restore", str(kept), "--state", str(lived))
    assert "is there already: restore into another folder" in said


def test_a_backup_has_a_name_of_its_own(lived: Path, kept: Path) -> None:
    assert "is there already" in refused("backup", str(kept), "--state", str(lived))


def test_what_is_no_whole_backup_is_refused(kept: Path, tmp_path: Path) -> None:
    other = ("--state", str(tmp_path / "other"))
    manifest = json.loads((kept / NAME).read_text())

    def changed(**changes: object) -> str:
        (kept / NAME).write_text(json.dumps(manifest | changes))
        return refused("restore", str(kept), *other)

    assert "knows format 1" in changed(format=2)
    assert "is a backup of a deployment" in changed(kind="postgresql")
    newer = {**manifest["stores"], "poller": {**manifest["stores"]["poller"], "revision": "9999"}}
    assert "of a newer Carillon (0.1.0: tables of poller 9999)" in changed(stores=newer)
    assert "is not that of a backup" in changed(carillon="events")
    (kept / NAME).write_text(json.dumps(manifest))
    with (kept / "bus.db").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"?")
    assert "its checksum is another" in refused("restore", str(kept), *other)
    (kept / "bus.db").unlink()
    assert "is missing: the backup is not whole" in refused("restore", str(kept), *other)
    assert "is no backup" in refused("restore", str(tmp_path), *other)
    assert not (tmp_path / "other").exists()


async def _older(state: Path) -> None:
    """As an earlier Carillon left it."""
    state.mkdir()
    for service, name in FILES.items():
        engine = make_engine(embedded_url(state, Path(name).stem))
        await upgrade(engine, service, {"notifier": "0006"}.get(service, "head"))
        if service == "notifier":
            async with transaction(engine) as connection:
                await connection.execute(
                    notifier.suppressions.insert().values(recipient="who", reason="left", at=NOW)
                )
        await engine.dispose()


def test_a_backup_of_an_older_carillon_is_brought_up_to_date(tmp_path: Path) -> None:
    asyncio.run(_older(tmp_path / "old"))
    assert (
        carillon("backup", str(tmp_path / "kept"), "--state", str(tmp_path / "old")).exit_code == 0
    )
    other = tmp_path / "other"
    assert carillon("restore", str(tmp_path / "kept"), "--state", str(other)).exit_code == 0
    found = rows(other)
    assert [row[0] for row in found["notifier.db/suppressions"]] == ["who"]
    assert len(found["notifier.db/holds"]) == 1


def columns(path: Path) -> dict[str, list[dict[str, object]]]:
    """Every row of every table, by columns; not which revision it is."""
    found = {}
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    for (table,) in tables.fetchall():
        if table != "alembic_version":
            rows = connection.execute(f"SELECT * FROM {table} ORDER BY rowid")  # noqa: S608
            found[table] = [dict(row) for row in rows]
    connection.close()
    return found


@pytest.mark.parametrize("service", sorted(FILES))
def test_each_store_steps_back_once_and_forth_again_with_its_rows(
    lived: Path, service: str
) -> None:
    path = lived / FILES[service]
    before = columns(path)

    async def step(forth: bool) -> str | None:
        engine = make_engine(embedded_url(lived, path.stem))
        revision = await (upgrade(engine, service) if forth else step_back(engine, service))
        await engine.dispose()
        return revision

    with closing(sqlite3.connect(path)) as store:
        (newest,) = store.execute("SELECT version_num FROM alembic_version").fetchone()
    assert asyncio.run(step(forth=False)) == f"{int(newest) - 1:04}"
    older = columns(path)
    assert older.keys() <= before.keys()
    assert any(older.values()), "there was something to keep"
    for table, kept in older.items():
        names = kept[0].keys() if kept else ()
        assert kept == [{name: row[name] for name in names} for row in before[table]], table
    asyncio.run(step(forth=True))
    after = columns(path)
    assert after.keys() == before.keys()
    assert {table: after[table] for table in older} == {table: before[table] for table in older}


def test_while_sending_is_held_the_notifier_does_not_step_back(kept: Path, tmp_path: Path) -> None:
    """An older version would not know that it is held, and send."""
    other = tmp_path / "other"
    assert carillon("restore", str(kept), "--state", str(other)).exit_code == 0
    engine = make_engine(embedded_url(other, "notifier"))

    async def back() -> None:
        try:
            await step_back(engine, "notifier")
        finally:
            await engine.dispose()

    with pytest.raises(ConfigurationError, match="sending is held"):
        asyncio.run(back())
    assert carillon("sending", "--state", str(other)).exit_code == 1
