"""What a digest says on top about itself: is it much, is anything there for the first time."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import census
from services.notifier.digest import Digest, First, Usual
from services.notifier.match import is_wanted
from services.notifier.novelty import firsts, pairs
from services.notifier.subscription import Filters
from services.notifier.surroundings import Surroundings
from services.notifier.trend import months, trend
from services.notifier.usual import WEEKS, usual, usual_of_topic


async def with_summary(
    connection: AsyncConnection, digest: Digest, around: Surroundings, filters: Filters
) -> Digest:
    """The digest with what is usual for these filters, what is a first, and the trend.

    It is stored with the digest: rendered again, it says the same.
    """
    until = digest.period_to.date()
    counts = await around.counts(connection, digest.topic, months(until)[0])
    changes = {
        "trend": trend(counts, until),
        "usual": await _usual(connection, digest, around, filters),
        "firsts": await _firsts(connection, digest, around),
    }
    return digest.model_copy(update=changes)


async def _usual(
    connection: AsyncConnection, digest: Digest, around: Surroundings, filters: Filters
) -> Usual | None:
    until = digest.period_from
    told = await census.told(connection, digest.subscription_id, until)
    found = usual(told, until, digest.cadence)
    if found or digest.cadence == "monthly":
        return found
    entered = await around.entered(connection, digest.topic, until - timedelta(weeks=WEEKS))
    return usual_of_topic([at for at, one in entered if is_wanted(one, filters)], until)


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
