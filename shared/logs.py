"""Logs: one line of JSON per event for machines, or plain lines for people."""

import logging
import sys
from typing import TextIO

import structlog


def configure_logging(
    service: str,
    *,
    as_json: bool = True,
    level: int = logging.INFO,
    stream: TextIO | None = None,
) -> None:
    """Send structlog's and the standard library's records through one formatter to `stream`.

    A service has nothing else to say and gives stdout. A command's stdout is what was asked of it:
    without a stream, records go to stderr.
    """
    stream = stream or sys.stderr
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_final(as_json=as_json, colors=stream.isatty()),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # httpx logs each request's URL at INFO, and NCBI's carries the API key.
    for noisy in ("httpx", "httpcore", "aiormq", "aio_pika", "alembic", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # It logs the words of a collector of traces, and these may quote our key; we say it ourselves.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)


def _final(*, as_json: bool, colors: bool) -> list[structlog.typing.Processor]:
    if as_json:
        # Without locals: they hold addresses and secrets.
        traces = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        return [structlog.processors.ExceptionRenderer(traces), structlog.processors.JSONRenderer()]
    return [
        structlog.dev.ConsoleRenderer(
            colors=colors, exception_formatter=structlog.dev.plain_traceback
        )
    ]
