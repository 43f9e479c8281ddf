"""Which archive a command means: a file, the embedded mode's, or a deployment's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from services.console.archive.embedded import read_embedded
from services.console.archive.lines import read_file
from services.console.archive.recorded import Read
from services.console.archive.stream import Stream
from services.console.settings import Settings
from services.console.stores import embedded_url
from shared.database import make_engine
from shared.errors import ConfigurationError


@dataclass(frozen=True)
class Source:
    """An archive by name, and how it is read."""

    name: str
    read: Read


@asynccontextmanager
async def opened_source(
    settings: Settings, state: Path | None = None, file: Path | None = None
) -> AsyncIterator[Source]:
    """The archive in `file`; else that under `state`; else the deployment's; else the embedded.

    Raises:
        ConfigurationError: there is nothing yet.
    """
    if file is not None:
        yield Source(str(file), partial(read_file, file))
    elif state is None and settings.amqp_url is not None:
        stream = Stream(settings.amqp_url.get_secret_value(), settings.stream_port)
        yield Source("the stream of the deployment", stream.read)
    else:
        async with _embedded(state or settings.state) as source:
            yield source


@asynccontextmanager
async def _embedded(state: Path) -> AsyncIterator[Source]:
    if not (state / "bus.db").exists():
        raise ConfigurationError(
            f"no archive in {state}/ yet: start with `carillon run` or `carillon poll`, "
            "or set CARILLON_AMQP_URL for a deployment"
        )
    engine = make_engine(embedded_url(state, "bus"))
    try:
        yield Source(f"{state}/bus.db", partial(read_embedded, engine))
    finally:
        await engine.dispose()
