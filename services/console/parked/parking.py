"""Where parked messages are: at the broker of a deployment, or in the embedded mode's file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from services.console.parked.broker import BrokerParking
from services.console.parked.embedded import EmbeddedParking
from services.console.parked.message import Parked, Whole
from services.console.parked.record import Order
from services.console.settings import Settings
from services.console.stores import embedded_url, opened_before
from shared.clock import system_clock
from shared.database import make_engine
from shared.errors import ConfigurationError
from shared.migrate import upgrade
from shared.settings import load


class Parking(Protocol):
    """What an operator can do with parked messages, wherever they are."""

    async def look(self, queue: str | None = None) -> list[Parked]:
        """What is parked, of all consumers or of one; all of it stays."""

    async def whole(self, key: tuple[str, str]) -> list[Whole]:
        """The message of that key with all of its copies; they stay."""

    async def settle(self, order: Order) -> int:
        """Put messages back or discard them, and put it on record; how many left."""


@asynccontextmanager
async def parking(state: Path | None) -> AsyncIterator[Parking]:
    """The deployment's, where CARILLON_AMQP_URL names it and no folder is given; else the file's.

    Raises:
        ConfigurationError: the embedded mode has never run in this folder.
    """
    settings = load(Settings)
    if settings.amqp_url is not None and state is None:
        yield BrokerParking(settings.amqp_url.get_secret_value(), system_clock)
        return
    folder = state or settings.state
    if not opened_before(folder):
        raise ConfigurationError(
            f"nothing in {folder}/ yet: name the folder with --state, or set CARILLON_AMQP_URL "
            "for a deployment"
        )
    engine = make_engine(embedded_url(folder, "bus"))
    try:
        await upgrade(engine, "console")
        yield EmbeddedParking(engine, system_clock)
    finally:
        await engine.dispose()
