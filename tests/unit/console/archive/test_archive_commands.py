"""`carillon archive` and `carillon record` as a user types them, in this process."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.console.app import cli
from services.console.bus import Bus
from services.console.stores import embedded_url
from shared.database import make_engine
from shared.errors import ConfigurationError
from shared.migrate import upgrade
from tests.builders import NOON, discovered, poll_completed
from tests.fakes import FakeClock
from tests.unit.console.archive.test_reading import outgoing


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CARILLON_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


async def _lived(state: Path) -> None:
    state.mkdir()
    engine = make_engine(embedded_url(state, "bus"))
    await upgrade(engine, "console")
    await Bus(engine, FakeClock(NOON)).publish([outgoing(discovered()), outgoing(poll_completed())])
    await engine.dispose()


def carillon(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


def test_without_an_archive_it_is_said_how_to_begin(state: Path) -> None:
    fault = carillon("archive").exception

    assert isinstance(fault, ConfigurationError)
    assert str(fault).startswith(f"no archive in {state}/ yet: start with `carillon run`")


def test_an_archive_is_shown_recorded_and_taken_in(state: Path, tmp_path: Path) -> None:
    asyncio.run(_lived(state))
    shown = carillon("archive")
    assert shown.exit_code == 0, shown.output
    assert "2 events" in shown.output
    assert "from 2026-09-07 12:00 to 2026-09-07 12:00 UTC" in shown.output
    assert "poll.completed" in shown.output

    file, other = tmp_path / "events.jsonl", str(tmp_path / "other")
    made = carillon("record", "--type", "poll.completed", "--last", "3")
    assert made.exit_code == 0, made.output
    file.write_bytes(made.stdout_bytes)
    taken = carillon("archive", "import", str(file), "--state", other)
    assert taken.output == "1 events taken in; 0 were there already\n"
    again = carillon("archive", "import", str(file), "--state", other)
    assert again.output == "0 events taken in; 1 were there already\n"
    assert "1 events" in carillon("archive", "--state", other).output
    assert "1 events" in carillon("archive", "--file", str(file)).output

    file.write_bytes(made.stdout_bytes.replace(b"car-autoimmune", b"another"))
    refused = carillon("archive", "import", str(file), "--state", other)
    assert "checksum" in str(refused.exception)


def test_a_filter_that_cannot_be_used_is_said(state: Path) -> None:
    assert "--since: 'soon' is no time" in str(carillon("record", "--since", "soon").exception)
