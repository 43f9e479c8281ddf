"""The collector of traces: whether there is one, and where. Read once, at the start of a process.

The variables are OpenTelemetry's own, so that whoever runs a collector knows them:
https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Annotated

from prometheus_client import CollectorRegistry
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.errors import ConfigurationError
from shared.tracing import told_to
from shared.written import told_when_committed

CLOSE_SECONDS = 2.0
"""Most of a process's end that is spent on spans that are not sent yet."""


class Settings(BaseSettings):
    """Where traces are sent by OTLP over HTTP; nowhere without an endpoint.

    The endpoint is a base URL, to which `/v1/traces` is added. It is no secret, and may hold none:
    `exporter_otlp_headers` (`name=value,name=value`) is for those. `traces_sampler_arg` is the
    share of the traces that is kept, each whole or not at all.
    """

    model_config = SettingsConfigDict(env_prefix="OTEL_", frozen=True, extra="ignore")

    exporter_otlp_endpoint: Annotated[str, Field(pattern=r"^(https?://[^\s@?#]+)?$")] = ""
    exporter_otlp_headers: SecretStr | None = None
    traces_sampler_arg: Annotated[float, Field(ge=0, le=1)] = 1.0

    def headers(self) -> dict[str, str]:
        """What is sent along with each request."""
        given = self.exporter_otlp_headers
        pairs = (one.partition("=") for one in given.get_secret_value().split(",")) if given else ()
        return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}


@asynccontextmanager
async def collected(
    service: str, settings: Settings | None, engine: AsyncEngine, metrics: CollectorRegistry
) -> AsyncIterator[None]:
    """What this service does in the block is told to the collector, where there is one.

    Raises:
        ConfigurationError: there is one, and what speaks to it is not installed.
    """
    if settings is None or not settings.exporter_otlp_endpoint:
        yield
        return
    try:
        from shared.telemetry import Teller  # noqa: PLC0415  costs time and memory, so only here
    except ImportError as error:
        raise ConfigurationError(
            f"OTEL_EXPORTER_OTLP_ENDPOINT is set, and {error.name} is not installed: "
            "install carillon[tracing], or take the endpoint away"
        ) from error
    teller = Teller(service, settings, metrics)
    try:
        with told_to(teller), told_when_committed(engine):
            yield
    finally:
        await _closed(teller.close)


async def _closed(close: Callable[[], None]) -> None:
    """Wait for it a moment; in a thread that does not hold up the end of the process."""
    loop, closed = asyncio.get_running_loop(), asyncio.Event()

    def closing() -> None:
        close()
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(closed.set)

    threading.Thread(target=closing, name="traces-end", daemon=True).start()
    with suppress(TimeoutError):
        await asyncio.wait_for(closed.wait(), CLOSE_SECONDS)
