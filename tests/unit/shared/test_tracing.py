"""Traces where nobody listens, and what of an event they go by."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from shared import tracing
from shared.collector import Settings
from shared.errors import ConfigurationError
from shared.events import traceparent
from shared.settings import load
from tests.builders import discovered

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("services", "found"),
    [("services.poller.app, services.classifier.app", []),
     ("services.notifier.app", ["opentelemetry.trace"])],
)  # fmt: skip
def test_without_a_collector_nothing_of_opentelemetrys_is_imported(
    services: str, found: list[str]
) -> None:
    """FastAPI imports the bare interface for itself, and is given nobody to tell."""
    asked = (
        f"import json, sys, shared.process, {services};"
        "print(json.dumps([m for m in sys.modules if m == 'opentelemetry.trace' or m.startswith(("
        "'opentelemetry.sdk', 'opentelemetry.exporter', 'opentelemetry.proto', "
        "'google.protobuf', 'shared.telemetry'))]))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert json.loads(ran.stdout) == found


def test_where_nobody_listens_a_span_is_nothing() -> None:
    event = discovered()
    one = tracing.span("poll", topic="t")

    assert tracing.tracer() is None
    assert one is tracing.span_of("process", "consumer", event.encode())
    with one as span:
        span.note(articles=1)
        span.failed(ValueError())
    assert tracing.ids_in(event.traceparent) == {}


def test_an_events_traceparent_is_found_in_its_body_and_in_no_text() -> None:
    event = discovered().model_copy(update={"traceparent": traceparent("one")})
    title = 'a"traceparent":"00-' + "a" * 32 + "-" + "b" * 16 + '-01"'
    article = event.data.article.model_copy(update={"title": title})
    told = event.model_copy(
        update={
            "traceparent": None,
            "data": event.data.model_copy(update={"article": article}),
        }
    )

    assert tracing.named_in(event.encode()) == event.traceparent
    assert tracing.named_in(told.encode()) is None


def test_the_variables_are_opentelemetrys_own_and_the_key_may_be_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("Authorization=Bearer a=b, x-org = lab\n", encoding="ascii")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS_FILE", str(tmp_path / "key"))

    read = load(Settings)

    assert read.exporter_otlp_endpoint == "http://collector:4318"
    assert read.headers() == {"authorization": "Bearer a=b", "x-org": "lab"}
    assert "Bearer" not in repr(read)


@pytest.mark.parametrize("value", ["http://user:word@host", "collector:4318", "http://h/?key=k"])
def test_an_endpoint_holds_no_secret(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", value)

    with pytest.raises(ConfigurationError, match="OTEL_EXPORTER_OTLP_ENDPOINT") as refused:
        load(Settings)

    assert value not in str(refused.value)
