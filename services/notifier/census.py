"""What is known of a topic as a whole, and of what a reader was told: SQL only.

It counts by the archive's index: articles that are not in it yet count in none of this.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.item import MODALITIES
from services.notifier.novelty import EVER, Pair, Sighting, Sightings
from services.notifier.standing import GONE
from services.notifier.tables import articles, cards, digests, labels
from services.notifier.usual import MONTHS, WEEKS, Told
from shared.events import Classified

_PLACES = {modality: place for place, (modality, _) in enumerate(MODALITIES)}
_HERE = sa.and_(labels.c.topic == articles.c.topic, labels.c.pmid == articles.c.pmid)


async def by_month(
    connection: AsyncConnection, topic: str, since: str
) -> dict[tuple[str, int], int]:
    """How many articles there are by month, from `since` ("2026-09") on, and first modality.

    A modality is told by its place in `MODALITIES`; one that is not among them by their number.
    """
    place = sa.case(_PLACES, value=labels.c.label, else_=len(MODALITIES))
    first = (
        sa.select(cards.c.month, sa.func.min(place).label("place"))
        .join(labels, sa.and_(labels.c.topic == cards.c.topic, labels.c.pmid == cards.c.pmid))
        .where(
            cards.c.topic == topic,
            cards.c.month >= since,
            labels.c.facet == "modality",
            cards.c.status.not_in(sorted(status.value for status in GONE)),
        )
        .group_by(cards.c.pmid, cards.c.month)
        .subquery()
    )
    rows = await connection.execute(
        sa.select(first.c.month, first.c.place, sa.func.count().label("number")).group_by(
            first.c.month, first.c.place
        )
    )
    return {(row.month, row.place): row.number for row in rows}


async def sightings(connection: AsyncConnection, topic: str) -> Sightings:
    """Since when each article of the topic is known, and what it says of which disease."""
    disease = labels.alias()
    rows = await connection.execute(
        sa.select(
            articles.c.pmid,
            articles.c.backfill,
            articles.c.discovered_at,
            labels.c.label,
            disease.c.label.label("disease"),
        )
        .join(labels, _HERE)
        .join(disease, sa.and_(disease.c.topic == labels.c.topic, disease.c.pmid == labels.c.pmid))
        .where(
            articles.c.topic == topic,
            labels.c.facet == "modality",
            disease.c.facet == "disease",
        )
    )
    pairs: dict[Pair, list[Sighting]] = {}
    for row in rows:
        since = EVER if row.backfill else row.discovered_at
        pairs.setdefault((row.label, row.disease), []).append((since, row.pmid))
    return Sightings(pairs, await _known(connection, topic))


async def _known(connection: AsyncConnection, topic: str) -> list[Sighting]:
    rows = await connection.execute(
        sa.select(articles.c.pmid, articles.c.backfill, articles.c.discovered_at).where(
            articles.c.topic == topic, articles.c.indexed > 0
        )
    )
    return [(EVER if row.backfill else row.discovered_at, row.pmid) for row in rows]


async def entered(
    connection: AsyncConnection, topic: str, since: datetime
) -> list[tuple[datetime, Classified]]:
    """The topic's articles that PubMed took in since then, background too, and when it did."""
    rows = await connection.scalars(
        sa.select(articles.c.entry)
        .join(cards, sa.and_(cards.c.topic == articles.c.topic, cards.c.pmid == articles.c.pmid))
        .where(
            cards.c.topic == topic,
            cards.c.entered >= since.astimezone(UTC).date(),
            cards.c.status.not_in(sorted(status.value for status in GONE)),
        )
        .order_by(cards.c.pmid)
    )
    entries = map(Classified.model_validate, rows)
    return [(one.article.entered_at, one) for one in entries if one.article.entered_at]


async def told(connection: AsyncConnection, subscription_id: str, until: datetime) -> list[Told]:
    """The digests of this subscription by `until`, the oldest first, as far as `usual` looks."""
    back = until - max(timedelta(weeks=WEEKS + 1), timedelta(days=31) * (MONTHS + 1))
    rows = await connection.execute(
        sa.select(digests.c.period_to, digests.c.content["total"].as_integer().label("total"))
        .where(
            digests.c.subscription_id == subscription_id,
            digests.c.kind == "digest",
            digests.c.state.in_(("intent", "sent", "skipped")),
            digests.c.period_to > back,
            digests.c.period_to <= until,
        )
        .order_by(digests.c.period_to)
    )
    return [(row.period_to, row.total or 0) for row in rows]
