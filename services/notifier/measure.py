"""One look for the numbers: what waits in the store, and how late the news was that has left."""

from collections import defaultdict

from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier import backlog
from services.notifier.metrics import Metrics
from shared.clock import Clock
from shared.database import transaction


async def measure(engine: AsyncEngine, metrics: Metrics, clock: Clock) -> None:
    """Look once.

    Raises:
        Retryable: the database is away; what was not measured is measured the next time.
    """
    told = metrics.unmeasured()
    pmids: dict[str, set[int]] = defaultdict(set)
    for one in told:
        pmids[one.topic].update(one.pmids)
    async with transaction(engine) as connection:
        metrics.stand(await backlog.read_backlog(connection, clock()))
        entered = {
            topic: await backlog.entered(connection, topic, pmids[topic]) for topic in sorted(pmids)
        }
    metrics.measured(told, entered)
