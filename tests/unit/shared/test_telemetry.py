"""What a collector is told, by the real thing, over HTTP."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import telemetry, tracing
from shared.collector import Settings, collected
from shared.database import make_metadata, transaction
from shared.errors import ConfigurationError
from shared.events import traceparent
from shared.logs import configure_logging
from shared.outbox import add_all, outbox_table
from shared.written import told_when_committed
from tests.builders import NOON, classified, discovered, poll_completed
from tests.otlp import Collector, collector

metadata = make_metadata("poller")
outbox = outbox_table(metadata)


def settings(url: str, share: float = 1.0) -> Settings:
    return Settings(exporter_otlp_endpoint=url, traces_sampler_arg=share)


def counted(metrics: CollectorRegistry, outcome: str) -> float:
    return metrics.get_sample_value("carillon_spans_total", {"outcome": outcome}) or 0.0


@pytest.fixture
def told() -> Iterator[Collector]:
    with collector() as seen:
        yield seen


@contextmanager
def telling(url: str, share: float = 1.0) -> Iterator[tuple[telemetry.Teller, CollectorRegistry]]:
    metrics = CollectorRegistry()
    teller = telemetry.Teller("poller", settings(url, share), metrics)
    with tracing.told_to(teller):
        yield teller, metrics
    teller.close()


@pytest.fixture
async def store(sqlite: AsyncEngine) -> AsyncEngine:
    async with sqlite.begin() as connection:
        await connection.run_sync(metadata.create_all)
    return sqlite


def test_a_span_tells_ids_its_parent_and_the_kind_of_its_fault(told: Collector) -> None:
    with (
        telling(told.url + "/") as (_, metrics),
        tracing.span("poll", topic="t", nothing=None),
        pytest.raises(ValueError, match="secret"),
        tracing.span("ask", "client", relation="query"),
    ):
        raise ValueError("secret of somebody")

    poll, ask = told.named("poll")[0], told.named("ask")[0]
    assert (ask.trace, ask.parent) == (poll.trace, poll.span)
    assert poll.attributes == {"topic": "t"}
    assert ask.attributes == {"relation": "query", "error.type": "ValueError"}
    assert (ask.failed, poll.failed) == (True, False)
    assert "secret" not in "".join(told.raw)
    assert counted(metrics, "sent") == 2


async def test_a_written_event_is_the_span_that_its_traceparent_names(
    told: Collector, store: AsyncEngine
) -> None:
    cause = discovered()
    found = cause.model_copy(update={"traceparent": traceparent(cause.id)})
    event = classified()
    made = event.model_copy(
        update={"causationid": found.id, "traceparent": traceparent(event.id, found.traceparent)}
    )
    with telling(told.url), told_when_committed(store):
        with tracing.span("poll"):
            async with transaction(store) as connection:
                await add_all(connection, outbox, [found], NOON)
        async with transaction(store) as connection:
            await add_all(connection, outbox, [made], NOON)
            bodies = list(await connection.scalars(sa.select(outbox.c.body)))

    (poll,) = told.named("poll")
    (first,) = told.named("write article.discovered")
    (second,) = told.named("write article.classified")
    assert f"00-{first.trace}-{first.span}-01" == found.traceparent
    assert f"00-{second.trace}-{second.span}-01" == made.traceparent
    assert (first.parent, first.links) == ("", ((poll.trace, poll.span),))
    assert (second.trace, second.parent, second.links) == (first.trace, first.span, ())
    assert first.attributes["event_id"] == found.id
    assert bodies == [found.encode(), made.encode()]


async def test_what_is_rolled_back_is_not_told(told: Collector, store: AsyncEngine) -> None:
    with telling(told.url), told_when_committed(store):
        with pytest.raises(ZeroDivisionError):
            async with transaction(store) as connection:
                await add_all(connection, outbox, [discovered()], NOON)
                raise ZeroDivisionError
        async with transaction(store) as connection:
            await add_all(connection, outbox, [poll_completed()], NOON)

    assert [one.name for one in told.spans] == ["write poll.completed"]


def test_log_lines_of_the_work_carry_its_trace_and_no_others_do(told: Collector) -> None:
    with telling(told.url):
        with tracing.span("poll"):
            inside = structlog.contextvars.get_contextvars()
        outside = structlog.contextvars.get_contextvars()

    (poll,) = told.named("poll")
    assert (inside["trace_id"], inside["span_id"]) == (poll.trace, poll.span)
    assert "trace_id" not in outside


@pytest.mark.parametrize("service", ["poller", "classifier"])
def test_a_share_of_the_traces_is_the_same_in_every_service(told: Collector, service: str) -> None:
    marks = [traceparent(f"event {n}") for n in range(200)]
    teller = telemetry.Teller(service, settings(told.url, 0.25), CollectorRegistry())
    for mark in marks:
        teller.ended(tracing.Ended("write", tracing.now(), at=mark), {})
        with teller.span("process", "consumer", mark, {}):
            pass
    teller.close()

    kept = {one.trace for one in told.named("write")}
    assert 20 < len(kept) < 90
    assert {one.trace for one in told.named("process")} == kept


def test_what_a_collector_refuses_is_counted_and_said_once_without_its_words(
    told: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    told.status = 401
    configure_logging("poller")
    metrics = CollectorRegistry()
    key = SecretStr("x-key=sesame")
    given = settings(told.url).model_copy(update={"exporter_otlp_headers": key})
    teller = telemetry.Teller("poller", given, metrics)
    for _ in range(3 * telemetry.BATCH):
        teller.ended(tracing.Ended("write", tracing.now()), {})
    teller.close()

    said = capsys.readouterr().err
    assert counted(metrics, "refused") == 3 * telemetry.BATCH
    assert said.count("collector_away") == 1
    assert "sesame" not in said


def test_what_no_queue_has_room_for_is_dropped_and_counted_at_once(
    told: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    monkeypatch.setattr(OTLPSpanExporter, "export", lambda *_: answers.wait(30))
    too_many = telemetry.QUEUE + telemetry.BATCH + 1000
    with telling(told.url) as (teller, metrics):
        began = time.monotonic()
        for _ in range(too_many):
            teller.ended(tracing.Ended("write", tracing.now()), {})
        took = time.monotonic() - began
        dropped = counted(metrics, "dropped")
        answers.set()

    assert 1000 <= dropped <= 1000 + telemetry.BATCH
    assert counted(metrics, "refused") == too_many - dropped
    assert took < 5


async def test_an_endpoint_without_its_library_is_a_setting_that_cannot_be_used(
    sqlite: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "shared.telemetry", None)

    with pytest.raises(ConfigurationError, match=r"carillon\[tracing\]"):
        async with collected("poller", settings("http://h:1"), sqlite, CollectorRegistry()):
            pass
    async with collected("poller", settings(""), sqlite, CollectorRegistry()):
        assert tracing.tracer() is None
