"""What is forgotten with time: which events were classified, and what became of replayed ones."""

from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier.tables import inbox, outcomes
from shared.clock import Clock
from shared.forgetting import forget

log = structlog.get_logger(__name__)

TIDY_SECONDS = 600.0
"""How often is forgotten what is due to be."""


async def tidy(engine: AsyncEngine, clock: Clock, keep: timedelta) -> int:
    """Forget what was received longer ago than `keep`; how many rows went.

    Raises:
        Retryable: the database is away.
    """
    before = clock() - keep
    gone = await forget(engine, inbox, "received_at", before)
    if gone:
        log.info("inbox_forgotten", events=gone)
    return gone + await forget(engine, outcomes, "at", before)
