"""Rules, dashboard and runbook agree with each other and with what the services count."""

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier.metrics import Metrics as Classifier
from services.notifier.metrics import DELAYS
from services.notifier.metrics import Metrics as Notifier
from services.poller.metrics import Metrics as Poller
from shared.database import make_metadata
from shared.outbox import outbox_table
from shared.parking import ParkingWatch
from shared.probes import probes
from shared.topology import CLASSIFIER
from shared.vitals import OutboxWatch, QueueWatch, StandbyWatch, Steps
from tests.alerts.healthy import healthy_day
from tests.alerts.selectors import DASHBOARD, alerts, expressions, named, shown, wanted

ROOT = Path(__file__).parents[2]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
OURS = {name for name in wanted() if name.startswith("carillon_")}


def counted(engine: AsyncEngine) -> set[str]:
    """The names under which Prometheus finds the numbers of all services."""
    shared = CollectorRegistry()
    Steps(shared)
    OutboxWatch(engine, outbox_table(make_metadata("poller")), shared)
    StandbyWatch(engine, shared)
    QueueWatch("amqp://nowhere", CLASSIFIER, shared)
    ParkingWatch("amqp://nowhere", CLASSIFIER, shared)
    probes({}, shared)
    registries = (shared, Poller().registry, Classifier().registry, Notifier().registry)
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}
    return {
        metric.name + suffix
        for registry in registries
        for metric in registry.collect()
        for suffix in suffixes.get(metric.type, ("",))
    }


async def test_every_metric_that_is_asked_for_is_one_that_a_service_counts(
    sqlite: AsyncEngine,
) -> None:
    assert counted(sqlite) >= OURS


async def test_every_metric_that_a_service_counts_is_shown_or_watched_and_documented(
    sqlite: AsyncEngine,
) -> None:
    told = (ROOT / "docs" / "seeing.md").read_text(encoding="utf-8")
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in counted(sqlite)}
    asked = {re.sub(r"_(bucket|count|sum)$", "", name) for name in OURS}

    assert {name for name in families if f"`{name}`" not in told} == set()
    assert families - asked <= {
        "carillon_leg_open_since_timestamp_seconds",
        "carillon_parked_since_timestamp_seconds",
    }


def test_the_healthy_day_has_every_series_that_the_rules_ask_for() -> None:
    names = {
        name: set(re.findall(r"(\w+)=\"", series))
        for series in healthy_day()
        for name in [series.partition("{")[0]]
    }
    for rule in alerts():
        for name, labels in named(str(rule["expr"])):
            assert labels <= names[name], name


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: str(rule["alert"]))
def test_each_alert_says_what_is_wrong_and_where_to_read_on(rule: dict[str, object]) -> None:
    notes, labels = rule["annotations"], rule["labels"]
    assert isinstance(notes, dict)
    assert isinstance(labels, dict)
    anchor = str(rule["alert"]).lower()

    assert labels["severity"] in {"critical", "warning"}
    assert str(notes["summary"]).endswith(".")
    assert notes["runbook_url"] == f"docs/runbook.md#{anchor}"
    entry = re.search(rf"^### {rule['alert']}\n(.*?)(?=^##|\Z)", RUNBOOK, re.MULTILINE | re.DOTALL)
    assert entry, "it has no entry in the runbook"
    for part in ("**It means**", "**Readers notice**", "**Do**", "**It is over when**"):
        assert part in entry[1], part


def test_the_runbook_has_no_entry_without_an_alert() -> None:
    assert set(re.findall(r"^### (\w+)$", RUNBOOK, re.MULTILINE)) == {
        rule["alert"] for rule in alerts()
    }


def test_a_bound_that_a_rule_asks_for_is_a_bound_of_the_histogram() -> None:
    bounds = {
        float(bound) for one in expressions() for bound in re.findall(r"le=\"([^\"]+)\"", one)
    }

    assert bounds
    assert bounds <= set(DELAYS)


def test_the_dashboards_panels_have_places_of_their_own() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (column, row)
            for column in range(place["x"], place["x"] + place["w"])
            for row in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells

    assert len(ids) == len(set(ids))


def test_each_panel_of_the_dashboard_says_what_it_shows_and_asks_the_chosen_prometheus() -> None:
    for panel in DASHBOARD["panels"]:
        if panel["type"] == "row":
            continue
        assert panel["type"] in {"stat", "timeseries"}
        assert panel["description"]
        assert panel["targets"]
        letters = [one["refId"] for one in panel["targets"]]
        assert len(letters) == len(set(letters))
        for one in (panel, *panel["targets"]):
            assert one["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    (variable,) = DASHBOARD["templating"]["list"]
    assert (variable["name"], variable["type"]) == ("datasource", "datasource")
    assert shown()
