"""What the running services answer Prometheus: all that rules and dashboard ask for."""

from collections.abc import Iterator
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.classifier.tables import classifications
from shared.broker import declare_topology
from shared.database import make_engine
from shared.migrate import upgrade
from tests.alerts.selectors import wanted
from tests.builders import discovered, poll_completed
from tests.eventually import eventually
from tests.integration.test_services import Running, _count, _outgoing, _publish

pytestmark = [pytest.mark.connected, pytest.mark.timeout(180)]

CLOSED = {
    "cadence", "channel", "check", "consumer", "facet", "healthy", "kind", "label", "le", "leg",
    "outcome", "part", "scope", "state", "step", "topic", "utility", "verdict",
}  # fmt: skip
"""Labels with few values each: none of them is a person, an article or a message."""

Samples = dict[str, list[dict[str, str]]]


def numbers(service: Running) -> tuple[Samples, dict[tuple[str, str], float]]:
    """Labels by the samples' names, and the values of those with a `part`, `check` or `state`."""
    with urlopen(f"http://127.0.0.1:{service.port}/metrics", timeout=8) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    labels: Samples = {}
    values: dict[tuple[str, str], float] = {}
    for family in families:
        labels.setdefault(family.name + "_total" * (family.type == "counter"), [])
        for sample in family.samples:
            labels.setdefault(sample.name, []).append(sample.labels)
            for label in ("part", "check", "state", "topic"):
                if label in sample.labels:
                    values[sample.name, sample.labels[label]] = sample.value
    return labels, values


@pytest.fixture
def services(amqp_url: str, postgres_url: str) -> Iterator[dict[str, Running]]:
    engines = {"DATABASE_URL": postgres_url, "AMQP_URL": amqp_url}
    # Nobody listens at port 1: polls go on trying, and where the topic stands is told meanwhile.
    more = {"poller": {"EUTILS_URL": "http://127.0.0.1:1/"}, "notifier": {"WEB_PORT": "0"}}
    started = {
        name: Running(name, engines | more.get(name, {}))
        for name in ("poller", "classifier", "notifier")
    }
    yield started
    for one in started.values():
        one.process.kill()
        one.process.communicate(timeout=10)


async def test_the_services_answer_all_that_rules_and_dashboard_ask_for(
    services: dict[str, Running], amqp_url: str, postgres_url: str
) -> None:
    engine = make_engine(postgres_url)
    for name in services:
        await upgrade(engine, name)
    await engine.dispose()
    await declare_topology(amqp_url)
    await _publish(amqp_url, _outgoing(discovered()), _outgoing(poll_completed()))

    async def labelled() -> bool:
        return await _count(postgres_url, classifications) == 1

    await eventually(labelled, within=60, pause=0.5)
    await eventually(lambda: all(one.probe("/readyz") == 200 for one in services.values()), 60)

    def heard() -> bool:
        _, values = numbers(services["notifier"])
        return ("carillon_poll_heard_timestamp_seconds", "car-autoimmune") in values

    await eventually(heard, within=60, pause=1)  # the numbers are looked at every half minute
    found = {name: numbers(one) for name, one in services.items()}
    for metric, labels in wanted().items():
        samples = [one[metric] for one, _ in found.values() if metric in one]
        assert samples, f"no service answers {metric}"
        for sample in (sample for each in samples for sample in each):
            assert labels <= sample.keys(), metric
    classifier, notifier = found["classifier"][1], found["notifier"][1]
    assert classifier["carillon_ready", "broker"] == 1
    assert classifier["carillon_queue_messages", "work"] == 0
    assert notifier["carillon_subscriptions", "active"] == 0
    every = [one for each, _ in found.values() for samples in each.values() for one in samples]
    assert {name for one in every for name in one} <= CLOSED
    assert not [one for one in every if "@" in str(one)]
