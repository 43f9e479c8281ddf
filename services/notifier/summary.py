"""What a digest says on top about itself: is it much, is anything there for the first time."""

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import census
from services.notifier.digest import Digest, First
from services.notifier.novelty import firsts, pairs
from services.notifier.trend import months, trend
from services.notifier.usual import usual


async def with_summary(connection: AsyncConnection, digest: Digest) -> Digest:
    """The digest with what is usual, what is there for the first time, and the trend.

    It is stored with the digest: rendered again, it says the same.
    """
    until = digest.period_to.date()
    counts = await census.by_month(connection, digest.topic, months(until)[0])
    told = await census.told(connection, digest.subscription_id, digest.period_from)
    changes = {
        "trend": trend(counts, until),
        "usual": usual(told, digest.period_from, digest.cadence),
        "firsts": await _firsts(connection, digest),
    }
    return digest.model_copy(update=changes)


async def _firsts(connection: AsyncConnection, digest: Digest) -> tuple[First, ...]:
    items = [item for group in digest.groups for item in group.items]
    wanted = pairs(items)
    if not wanted:
        return ()
    before = census.Before(frozenset(item.pmid for item in digest.items), digest.period_from)
    seen = await census.seen(connection, digest.topic, wanted, before)
    if wanted <= seen:
        return ()
    return firsts(items, seen, await census.number(connection, digest.topic, before))
