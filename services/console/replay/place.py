"""A deployment as replays need it: its journal, its queues, and where outcomes are noted."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.parked.parking import parking
from services.console.replay.carrier import broker_carrier
from services.console.replay.outcomes import Outcomes, outcomes_of
from services.console.replay.running import Connect
from services.console.settings import Settings
from services.console.stores import deployed_stores
from shared.broker import declare_topology
from shared.errors import ConfigurationError, Retryable
from shared.migrate import upgrade

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Place:
    """What is open of it. `ready` makes sure that every queue is there."""

    engine: AsyncEngine
    outcomes: Outcomes
    connect: Connect
    ready: Callable[[], Awaitable[None]]


@asynccontextmanager
async def opened_place(settings: Settings, state: Path | None) -> AsyncIterator[Place]:
    """The deployment that the settings name.

    Raises:
        ConfigurationError: they name none, or an embedded one is meant: it has no queues of
            others that could be tried out, and its sandbox does the same.
        Retryable: the database is away.
    """
    if state is not None or settings.database_url is None or settings.amqp_url is None:
        raise ConfigurationError(
            "a replay through the queues is for a deployment: set CARILLON_DATABASE_URL and "
            "CARILLON_AMQP_URL (Compose does), without --state; the embedded mode has --sandbox"
        )
    url = settings.amqp_url.get_secret_value()
    stores = deployed_stores(settings.database_url.get_secret_value())
    try:
        await upgrade(stores.notifier, "console")
        yield Place(
            engine=stores.notifier,
            outcomes=outcomes_of(stores.notifier, stores, _failed),
            connect=partial(broker_carrier, url),
            ready=partial(declare_topology, url),
        )
    finally:
        await stores.close()


async def _failed(replay_id: str) -> frozenset[tuple[str, str]]:
    """What is parked of a replay. Where it cannot be told, nothing: it stays open then."""
    try:
        async with parking(None) as where:
            found = await where.look()
    except Retryable as fault:
        log.warning("parking_not_seen", reason=str(fault))
        return frozenset()
    return frozenset((one.consumer, one.event_id) for one in found if one.replay_id == replay_id)
