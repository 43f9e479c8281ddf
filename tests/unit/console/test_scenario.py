from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.console.scenario import CLOCK, instants, write_clock, write_scenario
from services.ncbi_sim.catalogue import load_catalogue
from services.ncbi_sim.settings import PACKAGED_CATALOGUE
from services.poller.settings import Settings
from shared.clock import file_clock
from shared.errors import ConfigurationError
from shared.settings import load

NOON = datetime(2026, 9, 7, 12, tzinfo=UTC)


def test_the_clock_never_goes_back(tmp_path: Path) -> None:
    clock = file_clock(tmp_path / CLOCK)

    write_clock(tmp_path, NOON)
    write_clock(tmp_path, NOON - timedelta(days=1))
    assert clock() == NOON
    write_clock(tmp_path, NOON + timedelta(days=1))
    assert clock() == NOON + timedelta(days=1)


def test_a_clock_without_its_file_shows_the_machines_time(tmp_path: Path) -> None:
    before = datetime.now(UTC)

    assert before <= file_clock(tmp_path / "none")() <= datetime.now(UTC)


@pytest.mark.parametrize("text", ["soon", "2026-09-07T12:00:00", ""])
def test_a_clock_file_that_holds_no_instant_says_so(tmp_path: Path, text: str) -> None:
    (tmp_path / CLOCK).write_text(text, encoding="ascii")

    with pytest.raises(ConfigurationError, match="ISO 8601"):
        file_clock(tmp_path / CLOCK)()


def test_each_day_is_polled_before_its_digests_are_due() -> None:
    steps = list(instants(load_catalogue(PACKAGED_CATALOGUE)))

    assert steps == sorted(steps)
    assert len(steps) == 30
    assert (steps[0].hour, steps[1].hour) == (4, 12)


def test_a_deployed_poller_reads_where_the_stand_in_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLLER_DATABASE_URL", "x")
    monkeypatch.setenv("POLLER_AMQP_URL", "x")
    write_scenario(tmp_path, load_catalogue(PACKAGED_CATALOGUE), "http://sim/eutils/")

    settings = load(Settings, folders=(tmp_path,))

    assert settings.access().base_url == "http://sim/eutils/"
    assert settings.poll_every() == timedelta(days=1)
