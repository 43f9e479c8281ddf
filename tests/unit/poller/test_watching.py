"""What watches the poller: the dead-man's switch, and the numbers for Prometheus."""

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from services.poller.eutils import Verdict
from services.poller.metrics import Metrics
from services.poller.ping import DeadMan
from services.poller.standing import read_standings
from shared.events import Poll
from tests.builders import NOON, a_leg, poll_completed
from tests.unit.poller.fakes import FakePubMed
from tests.unit.poller.polling import DAY, TOPIC, poll
from tests.unit.poller.test_open_legs import OUTAGE

URL = "https://watch.test/ping/secret-id"


def a_poll(topic: str = "t", healthy: bool = True, alarm: bool = False) -> Poll:
    since = None if healthy else NOON - timedelta(days=2)
    leg = a_leg(state="closed" if healthy else "open", alarm=alarm, open_since=since)
    return poll_completed(topic=topic, healthy=healthy, legs=(leg,), next_at=NOON).data


def switch(
    url: str | None = URL, answer: Callable[[], httpx.Response] = lambda: httpx.Response(200)
) -> tuple[DeadMan, list[str]]:
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url).removeprefix(URL))
        return answer()

    return DeadMan(url, httpx.AsyncClient(transport=httpx.MockTransport(handle))), asked


@pytest.mark.parametrize(
    ("polls", "told"),
    [
        ([a_poll()], [""]),
        ([a_poll(healthy=False)], []),
        ([a_poll(healthy=False, alarm=True)], ["/fail"]),
        ([a_poll("a"), a_poll("b", healthy=False)], []),
        ([], []),
    ],
)
async def test_only_complete_polls_say_that_all_is_well_and_an_alarm_rings(
    polls: list[Poll], told: list[str]
) -> None:
    dead_man, asked = switch()

    await dead_man.polled(polls)

    assert asked == told


async def test_a_topic_that_is_ill_is_not_covered_up_by_another_that_is_well() -> None:
    dead_man, asked = switch()

    await dead_man.polled([a_poll("a", healthy=False, alarm=True)])
    await dead_man.polled([a_poll("b")])
    await dead_man.polled([a_poll("a")])

    assert asked == ["/fail", "/fail", ""]


async def test_nobody_is_told_without_a_url() -> None:
    dead_man, asked = switch(url=None)

    await dead_man.polled([a_poll()])

    assert asked == []


def refuse() -> httpx.Response:
    raise httpx.ConnectError("refused by watch.test")


@pytest.mark.parametrize("answer", [lambda: httpx.Response(503), refuse])
async def test_a_ping_that_fails_is_logged_without_its_url(
    answer: Callable[[], httpx.Response],
) -> None:
    dead_man, _ = switch(answer=answer)

    with capture_logs() as logs:
        await dead_man.polled([a_poll()])

    assert [line["event"] for line in logs] == ["ping_failed"]
    assert "secret-id" not in str(logs)
    assert "watch.test" not in str(logs)


def test_polls_and_answers_are_counted_and_open_legs_are_shown() -> None:
    metrics = Metrics()

    metrics.answered("esearch", Verdict.THROTTLED)
    metrics.polled(a_poll())
    metrics.polled(a_poll(healthy=False, alarm=True))

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(name, labels)

    leg = {"topic": "t", "leg": "query:core"}
    assert value("carillon_ncbi_answers_total", utility="esearch", verdict="throttled") == 1
    assert value("carillon_polls_total", topic="t", healthy="true") == 1
    assert value("carillon_polls_total", topic="t", healthy="false") == 1
    assert value("carillon_leg_alarm", **leg) == 1
    since = (NOON - timedelta(days=2)).timestamp()
    assert value("carillon_leg_open_since_timestamp_seconds", **leg) == since
    metrics.polled(a_poll())
    assert value("carillon_leg_alarm", **leg) == 0
    assert value("carillon_leg_open_since_timestamp_seconds", **leg) == 0


def test_an_answer_that_has_not_come_yet_begins_at_none() -> None:
    refused = {"utility": "efetch", "verdict": "permanent"}
    assert Metrics().registry.get_sample_value("carillon_ncbi_answers_total", refused) == 0


async def test_where_a_topic_stands_is_read_from_the_store_also_after_a_restart(
    engine: AsyncEngine, pubmed: FakePubMed
) -> None:
    metrics, now = Metrics(), DAY + timedelta(days=2)

    async def look() -> None:
        metrics.stand(await read_standings(engine, [TOPIC], now))

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(name, {"topic": TOPIC.id, **labels})

    await look()
    assert value("carillon_poll_finished_timestamp_seconds") == 0
    assert value("carillon_poll_next_timestamp_seconds") == now.timestamp()
    await poll(engine, pubmed)
    pubmed.broken["esearch"] = OUTAGE
    await poll(engine, pubmed, days=2)
    await look()

    began, query = DAY.timestamp(), "query:words"
    assert value("carillon_poll_finished_timestamp_seconds") == now.timestamp()
    assert value("carillon_poll_next_timestamp_seconds") == now.timestamp() + 300
    assert value("carillon_leg_complete_until_timestamp_seconds", leg=query) == began
    assert value("carillon_leg_complete_until_timestamp_seconds", leg="similar") == now.timestamp()
    assert value("carillon_leg_open_since_timestamp_seconds", leg=query) == began
    assert value("carillon_leg_alarm", leg=query) == 1
    assert value("carillon_leg_alarm", leg="similar") == 0
    assert value("carillon_oldest_open_timestamp_seconds") == began

    pubmed.broken.clear()
    await poll(engine, pubmed, days=2)
    await look()
    assert value("carillon_leg_alarm", leg=query) == 0
    assert value("carillon_oldest_open_timestamp_seconds") == 0
    assert value("carillon_records_parked") == 0
    assert value("carillon_backfill_windows", state="open") == 0
