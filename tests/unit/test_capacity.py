"""The model of docs/scale.md: what it prints stands there, and it says what it should."""

import re
from dataclasses import fields, replace
from pathlib import Path

import pytest
import yaml

from services.console.settings import Settings as Console
from services.notifier.settings import Settings as Notifier
from services.poller import poll
from services.poller.eutils import CHUNK
from services.poller.eutils.limit import PER_SECOND, PER_SECOND_WITH_KEY
from services.poller.settings import Settings as Poller
from shared.database import CONNECTIONS
from tests.bench.capacity import changed, ncbi_requests, need, tables
from tests.bench.capacity_inputs import SOURCES, Inputs
from tests.bench.capacity_scenarios import SCENARIOS, Scenario
from tests.bench.capacity_walls import processes, walls

ROOT = Path(__file__).parents[2]
GIVEN = Inputs()
ONE = Scenario("one", topics=1, known=1_000, news=365, readers=1_000)


@pytest.mark.parametrize("name", ["needs", "walls", "inputs"])
def test_what_the_model_prints_stands_in_the_docs(name: str) -> None:
    text = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    found = re.search(f"<!-- {name} -->\n(.*)\n<!-- /{name} -->", text, re.DOTALL)
    assert found is not None
    assert found[1].split("\n") == tables(GIVEN)[name], (
        "run `python -m tests.bench.capacity`, and put its tables there"
    )


def test_every_input_has_a_source_and_what_is_assumed_says_so() -> None:
    assert SOURCES.keys() == {one.name for one in fields(Inputs)}
    assert all(re.fullmatch(r"2026-\d\d(-\d\d)?|assumed", one.day) for one in SOURCES.values())


def test_inputs_that_the_code_knows_are_the_code_s() -> None:
    manifest = ROOT / "deploy" / "kubernetes" / "engines" / "postgres.yaml"
    postgres = yaml.safe_load(manifest.read_text(encoding="utf-8"))
    connections = postgres["spec"]["postgresql"]["parameters"]["max_connections"]
    known = {
        "fetch_chunk": CHUNK,
        "reread_most": Poller.model_fields["max_reread"].default,
        "fresh_days": poll.FRESH.days,
        "ncbi_plain": PER_SECOND,
        "ncbi_keyed": PER_SECOND_WITH_KEY,
        "smtp_connections": Notifier.model_fields["smtp_connections"].default,
        "per_domain": Notifier.model_fields["per_domain_second"].default,
        "process_connections": CONNECTIONS,
        "database_connections": int(connections),
        "archive_days": Console.model_fields["archive_days"].default,
    }
    assert {name: getattr(GIVEN, name) for name in known} == known


def test_an_article_a_day_for_a_thousand_readers_by_hand() -> None:
    given = replace(
        GIVEN, poller_ms=1, classifier_ms=2, notifier_ms=3, broker_ms=4, database_ms=5,
        cut_ms=10, send_ms=8, cut_database_ms=2, send_database_ms=1, look_us=1000,
        look_database_us=500, article_bytes=10_000, revision_bytes=1_000, digest_bytes=5_000,
        reader_bytes=100, event_bytes=8_000, delivered_bytes=500, archive_overhead=2,
    )  # fmt: skip

    it = need(ONE, given)

    assert it.events_a_day == 4  # one new one, and three changes
    assert it.first_fill_core_hours == pytest.approx(1_000 * 15 / 3.6e6)
    assert it.mails_an_hour == 100  # of 1,000 readers 0.4 a day, a quarter of them in an hour
    assert it.smtp_connections == 1  # 100 mails of 0.3 s
    assert it.looking == 0.5  # a second for the look, a second's pause
    assert it.service_cores == pytest.approx(4 * 6e-3 / 86_400 + 100 * 18e-3 / 3600 + 2 * 0.5)
    assert it.database_cores == pytest.approx(4 * 5e-3 / 86_400 + 100 * 3e-3 / 3600 + 2 * 0.25)
    assert it.database_gb_a_year == pytest.approx((13_000 + 400 * 5_000) * 365 / 1e9)
    assert it.database_gb == pytest.approx(it.database_gb_a_year + (10e6 + 100e3) / 1e9)
    assert it.broker_disk_gb == pytest.approx((4 * 8_000 + 400 * 500) * 2 * 365 / 1e9)


def test_a_poll_asks_its_questions_and_for_what_may_have_changed() -> None:
    # Thirty of the last month, and of the others a 24th of those whose turn the day is.
    again = 30 + (365 + 635 / 7) / 24
    assert again < 200
    assert ncbi_requests(ONE, GIVEN) == 24 * 7
    # Never more than the budget, however much there is.
    everything = replace(ONE, known=40e6, news=1.7e6)
    assert ncbi_requests(everything, GIVEN) == 24 * (6 + 6)


@pytest.mark.parametrize("one", SCENARIOS, ids=lambda one: one.name)
def test_more_of_anything_needs_more(one: Scenario) -> None:
    before = need(one, GIVEN)
    for more in (replace(one, readers=2 * one.readers), replace(one, known=2 * one.known)):
        after = need(more, GIVEN)
        assert after.database_gb > before.database_gb
    dearer = need(one, replace(GIVEN, cut_ms=2 * GIVEN.cut_ms))
    assert dearer.service_cores > before.service_cores
    assert dearer.database_gb == before.database_gb


def test_who_has_ten_topics_stands_before_every_wall() -> None:
    ten, _, pubmed, million = SCENARIOS
    assert not [wall.what for wall in walls(GIVEN) if wall.is_beyond(ten)]
    assert any(wall.is_beyond(pubmed) for wall in walls(GIVEN))
    assert any(wall.is_beyond(million) for wall in walls(GIVEN))


def test_every_wall_but_one_can_be_reached() -> None:
    vast = Scenario("vast", 10**6, 1e9, 1e10, 10**10)
    assert [wall.what for wall in walls(GIVEN) if not wall.is_beyond(vast)] == [
        "messages a second to one Slack channel"
    ]


def test_two_of_each_service_are_the_least() -> None:
    assert processes(ONE, GIVEN) == 6
    assert processes(replace(ONE, topics=10_000), GIVEN) > 6


def test_a_number_can_be_changed_and_a_wrong_name_is_told() -> None:
    assert changed(["look_us=20"]) == replace(GIVEN, look_us=20)
    with pytest.raises(ValueError, match="no input is called 'looks'"):
        changed(["looks=20"])
    with pytest.raises(ValueError, match="could not convert"):
        changed(["look_us=fast"])
