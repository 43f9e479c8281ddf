"""What a digest says on top about itself: is it much, is anything there for the first time."""

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import census
from services.notifier.digest import Digest, First
from services.notifier.novelty import firsts, pairs
from services.notifier.surroundings import Surroundings
from services.notifier.trend import months, trend
from services.notifier.usual import usual


async def with_summary(connection: AsyncConnection, digest: Digest, around: Surroundings) -> Digest:
    """The digest with what is usual, what is there for the first time, and the trend.

    It is stored with the digest: rendered again, it says the same.
    """
    until = digest.period_to.date()
    counts = await around.counts(connection, digest.topic, months(until)[0])
    told = await census.told(connection, digest.subscription_id, digest.period_from)
    changes = {
        "trend": trend(counts, until),
        "usual": usual(told, digest.period_from, digest.cadence),
        "firsts": await _firsts(connection, digest, around),
    }
    return digest.model_copy(update=changes)


async def _firsts(
    connection: AsyncConnection, digest: Digest, around: Surroundings
) -> tuple[First, ...]:
    items = [item for group in digest.groups for item in group.items]
    wanted = pairs(items)
    if not wanted:
        return ()
    own = {item.pmid for item in digest.items}
    known = await around.sightings(connection, digest.topic)
    seen = known.before(wanted, own, digest.period_from)
    if wanted <= seen:
        return ()
    return firsts(items, seen, known.number(own, digest.period_from))
