"""Traces told by OpenTelemetry. Imported only where a collector is set (`shared.collector`).

Spans wait in a queue with an end, and are sent by a thread: a collector that is slow or away costs
spans, which are counted, and nothing else. The provider is given to nobody but our own tracer:
a library that tells traces of itself (FastAPI's are of the pages) would tell URLs with secrets.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from prometheus_client import CollectorRegistry, Counter

from shared.collector import Settings
from shared.tracing import Ended, Kind, Value

log = structlog.get_logger(__name__)

QUEUE = 4096
"""Spans that wait, some 10 MB; more are dropped. A thousand articles have 8,000 in a minute."""
BATCH = 512
EVERY_MILLISECONDS = 1000
SEND_SECONDS = 5.0
"""For one batch, all its tries together."""

_KINDS = {
    "inside": trace.SpanKind.INTERNAL,
    "client": trace.SpanKind.CLIENT,
    "producer": trace.SpanKind.PRODUCER,
    "consumer": trace.SpanKind.CONSUMER,
}


class Ids(RandomIdGenerator):
    """Random ids, but for a span that has those of an event; asked at once, and in one thread."""

    def __init__(self) -> None:
        self.trace: int | None = None
        self.span: int | None = None

    def generate_trace_id(self) -> int:
        """The next span's trace, where it begins one."""
        return self.trace or super().generate_trace_id()

    def generate_span_id(self) -> int:
        """The next span's id."""
        return self.span or super().generate_span_id()

    def is_trace_id_random(self) -> bool:
        """They follow from ids of events."""
        return False


class Sent(SpanExporter):
    """Counts what became of spans that were handed over, and says when that changes."""

    def __init__(self, service: str, inner: SpanExporter, spans: Counter) -> None:
        self.taken_over = 0
        self._service, self._inner, self._spans = service, inner, spans
        self._is_well = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Hand a batch over."""
        self.taken_over += len(spans)
        result = self._inner.export(spans)
        is_well = result is SpanExportResult.SUCCESS
        self._spans.labels("sent" if is_well else "refused").inc(len(spans))
        if is_well != self._is_well:
            self._is_well = is_well
            tell = log.info if is_well else log.warning
            # This thread has not the service's name from elsewhere.
            tell("collector_answers" if is_well else "collector_away", service=self._service)
        return result

    def shutdown(self) -> None:
        """Break off what is being sent."""
        self._inner.shutdown()


class Queue(BatchSpanProcessor):
    """The SDK's queue, never full: what is too much is counted and left out before."""

    def __init__(self, sent: Sent, spans: Counter) -> None:
        super().__init__(
            sent,
            max_queue_size=QUEUE,
            max_export_batch_size=BATCH,
            schedule_delay_millis=EVERY_MILLISECONDS,
        )
        self._sent, self._spans, self._entered = sent, spans, 0

    def on_end(self, span: ReadableSpan) -> None:
        """Take a span, or drop it where too many wait."""
        if self._entered - self._sent.taken_over >= QUEUE:
            self._spans.labels("dropped").inc()
            return
        self._entered += 1
        super().on_end(span)


class _Live:
    """A span of the SDK's under way, as `shared.tracing.Span`."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def note(self, **attributes: Value) -> None:
        self._span.set_attributes(_attributes(attributes))

    def failed(self, fault: BaseException) -> None:
        self._span.set_attribute("error.type", type(fault).__name__)
        self._span.set_status(trace.StatusCode.ERROR)


class Teller:
    """Tells of one service's work (`shared.tracing.Tracer`)."""

    def __init__(self, service: str, settings: Settings, metrics: CollectorRegistry) -> None:
        spans = Counter(
            "carillon_spans",
            "Spans by what became of them: sent, refused by the collector or not brought to it, "
            "dropped because too many waited",
            ["outcome"],
            registry=metrics,
        )
        for outcome in ("sent", "refused", "dropped"):
            spans.labels(outcome)
        exporter = OTLPSpanExporter(
            endpoint=settings.exporter_otlp_endpoint.rstrip("/") + "/v1/traces",
            headers=settings.headers(),
            timeout=SEND_SECONDS,
        )
        self._ids = Ids()
        self._provider = TracerProvider(
            # By the trace's id alone: each service decides the same of a trace.
            sampler=TraceIdRatioBased(settings.traces_sampler_arg),
            resource=Resource.create({"service.name": service, "service.namespace": "carillon"}),
            shutdown_on_exit=False,
            id_generator=self._ids,
        )
        self._provider.add_span_processor(Queue(Sent(service, exporter, spans), spans))
        self._tracer = self._provider.get_tracer("carillon")

    @contextmanager
    def span(
        self, name: str, kind: Kind, under: str | None, attributes: Mapping[str, Value]
    ) -> Iterator[_Live]:
        """Work from here to the end of the block; log lines meanwhile carry its trace's id."""
        begun = self._tracer.start_span(
            name, _context(under) if under else None, _KINDS[kind], _attributes(attributes)
        )
        live, known = _Live(begun), _ids_of(begun)
        with (
            trace.use_span(begun, True, record_exception=False, set_status_on_exception=False),
            structlog.contextvars.bound_contextvars(**known),
        ):
            try:
                yield live
            except BaseException as fault:
                live.failed(fault)
                raise

    def ended(self, work: Ended, attributes: Mapping[str, Value]) -> None:
        """Tell of work that is over, under ids that are known beforehand."""
        own = _read(work.at) if work.at else None
        self._ids.trace, self._ids.span = (own.trace_id, own.span_id) if own else (None, None)
        try:
            span = self._tracer.start_span(
                work.name,
                _context(work.under),
                _KINDS[work.kind],
                _attributes(attributes),
                [_link(to, pmid) for to, pmid in work.links],
                work.since,
            )
        finally:
            self._ids.trace = self._ids.span = None
        span.end()

    def here(self) -> str | None:
        """The `traceparent` of the work that is under way here."""
        own = trace.get_current_span().get_span_context()
        return f"00-{own.trace_id:032x}-{own.span_id:016x}-01" if own.is_valid else None

    def close(self) -> None:
        """Send what waits, and end. It may take as long as the collector pleases."""
        self._provider.shutdown()


def _ids_of(span: trace.Span) -> dict[str, str]:
    own = span.get_span_context()
    if not span.is_recording():  # not among those that are kept: nobody would find it
        return {}
    return {"trace_id": f"{own.trace_id:032x}", "span_id": f"{own.span_id:016x}"}


def _context(under: str | None) -> Context:
    """Where a span is told: under that one, or at the beginning of a trace."""
    parent = _read(under) if under else None
    if parent is None:
        return Context()
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), Context())


def _link(to: str, pmid: int | None) -> trace.Link:
    read = _read(to) or trace.INVALID_SPAN_CONTEXT
    return trace.Link(read, {} if pmid is None else {"carillon.pmid": pmid})


def _read(traceparent: str) -> trace.SpanContext | None:
    try:
        _, of, own, flags = traceparent.split("-")
        read = trace.SpanContext(int(of, 16), int(own, 16), True, trace.TraceFlags(int(flags, 16)))
    except ValueError:
        return None
    return read if read.is_valid else None


def _attributes(given: Mapping[str, Value]) -> dict[str, str | int | float | bool]:
    return {f"carillon.{name}": value for name, value in given.items() if value is not None}
