"""Articles that were kept before the archive, or by an earlier index, are indexed bit by bit."""

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier.archive.store import index_some
from shared.database import transaction

log = structlog.get_logger(__name__)

BATCH = 100
"""Articles in one transaction: no event waits longer for its turn than these take."""


async def index_waiting(engine: AsyncEngine) -> int:
    """Index what waits, in transactions of its own each; how many articles there were.

    Killed in the middle it goes on where it was. Safe beside other notifiers.

    Raises:
        Retryable: the database is away.
    """
    indexed = 0
    while step := await _step(engine):
        indexed += step
    if indexed:
        log.info("archive_indexed", articles=indexed)
    return indexed


async def _step(engine: AsyncEngine) -> int:
    async with transaction(engine) as connection:
        return await index_some(connection, BATCH)
