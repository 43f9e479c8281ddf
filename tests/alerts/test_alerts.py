"""The alert rules, tried by promtool: each fault sets off its alerts, a healthy day none."""

import json

import pytest

from tests.alerts.faults import BEGIN, FAULTS, afflicted
from tests.alerts.healthy import HOUR, always, healthy_day
from tests.alerts.promtool import EVERY, a_test, promtool, written_down
from tests.alerts.selectors import FOLDER, alerts, shown

pytestmark = [pytest.mark.connected, pytest.mark.timeout(240)]

RULES = (FOLDER / "alerts.yml").read_bytes()


def check(*tests: dict[str, object], rules: bytes = RULES, every: int = EVERY) -> tuple[int, str]:
    files = {"alerts.yml": rules, "tests.yml": written_down("alerts.yml", tests, every)}
    return promtool(files, "test", "rules", "tests.yml")


def test_a_healthy_day_sets_off_nothing() -> None:
    code, said = check(a_test("healthy", healthy_day(), 24, {-1: ()}), every=60)

    assert code == 0, said


def test_where_no_standby_is_set_up_none_is_missed() -> None:
    alone = {
        name: always(0) if "carillon_standbys" in name else value
        for name, value in healthy_day().items()
    }

    code, said = check(a_test("one server", alone, 6, {-1: ()}))

    assert code == 0, said


def test_each_fault_sets_off_its_alerts_and_no_others_and_they_end_with_it() -> None:
    tests = []
    for fault in FAULTS:
        at_its_end = BEGIN / HOUR + fault.hours - 0.05
        over = at_its_end + fault.over
        series = afflicted(fault, healthy_day())
        tests.append(a_test(fault.name, series, over, {at_its_end: fault.fires, over: ()}))

    code, said = check(*tests)

    assert code == 0, said


def test_a_rule_that_never_fires_is_seen() -> None:
    first = FAULTS[0]
    series = afflicted(first, healthy_day())
    blunt = RULES.replace(
        b'absent(up{job="classifier"} == 1)', b'absent(up{job="classifier"} == 0)'
    )

    code, said = check(a_test(first.name, series, 6, {5.9: first.fires}), rules=blunt)

    assert blunt != RULES
    assert code == 1, said


def test_every_alert_has_a_fault() -> None:
    assert {name for fault in FAULTS for name in fault.fires} == {
        rule["alert"] for rule in alerts()
    }


def test_prometheus_can_read_its_configuration() -> None:
    files = {one.name: one.read_bytes() for one in FOLDER.glob("*.yml")}

    code, said = promtool(files, "check", "config", "prometheus.yml")

    assert code == 0, said


def test_prometheus_can_read_every_expression_of_the_dashboard() -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(shown())
    ]
    whole = json.dumps({"groups": [{"name": "dashboard", "rules": rules}]})

    code, said = promtool({"dashboard.yml": whole.encode()}, "check", "rules", "dashboard.yml")

    assert code == 0, said
    assert f"{len(rules)} rules found" in said
