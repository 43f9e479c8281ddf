"""What is forgotten with time: which events were classified."""

from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier.tables import inbox
from shared.clock import Clock
from shared.inbox import forget

log = structlog.get_logger(__name__)

TIDY_SECONDS = 600.0
"""How often is forgotten what is due to be."""


async def tidy(engine: AsyncEngine, clock: Clock, keep: timedelta) -> int:
    """Forget what was received longer ago than `keep`; how many rows went.

    Raises:
        Retryable: the database is away.
    """
    gone = await forget(engine, inbox, clock() - keep)
    if gone:
        log.info("inbox_forgotten", events=gone)
    return gone
