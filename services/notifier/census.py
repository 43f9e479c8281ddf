"""What is known of a topic as a whole, and of what a reader was told: SQL only.

It counts by the archive's index: articles that are not in it yet count in none of this.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.item import MODALITIES
from services.notifier.novelty import Pair
from services.notifier.standing import GONE
from services.notifier.tables import articles, cards, digests, labels
from services.notifier.usual import MONTHS, WEEKS, Told

_PLACES = {modality: place for place, (modality, _) in enumerate(MODALITIES)}
_HERE = sa.and_(labels.c.topic == articles.c.topic, labels.c.pmid == articles.c.pmid)


@dataclass(frozen=True)
class Before:
    """Articles known before a digest: not its `own`, and found by `since` or as background."""

    own: frozenset[int]
    since: datetime

    def condition(self) -> sa.ColumnElement[bool]:
        """As a condition on `articles`."""
        found = sa.or_(articles.c.backfill, articles.c.discovered_at <= self.since)
        return sa.and_(found, articles.c.pmid.not_in(sorted(self.own)))


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


async def seen(
    connection: AsyncConnection, topic: str, pairs: Collection[Pair], before: Before
) -> set[Pair]:
    """Those pairs of a modality and a disease that an article of the topic has already."""
    disease = labels.alias()
    rows = await connection.execute(
        sa.select(labels.c.label, disease.c.label.label("disease"))
        .join(articles, _HERE)
        .join(disease, sa.and_(disease.c.topic == labels.c.topic, disease.c.pmid == labels.c.pmid))
        .where(
            labels.c.topic == topic,
            labels.c.facet == "modality",
            labels.c.label.in_(sorted({modality for modality, _ in pairs})),
            disease.c.facet == "disease",
            disease.c.label.in_(sorted({named for _, named in pairs})),
            before.condition(),
        )
        .distinct()
    )
    return {(row.label, row.disease) for row in rows}


async def number(connection: AsyncConnection, topic: str, before: Before) -> int:
    """How many labelled articles of the topic were known before."""
    query = sa.select(sa.func.count()).where(
        articles.c.topic == topic, articles.c.indexed > 0, before.condition()
    )
    return await connection.scalar(query) or 0


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
