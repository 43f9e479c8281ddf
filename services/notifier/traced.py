"""A digest as traces tell of it: its own trace, with a link to each article's that it brings.

Its trace is that of its `digest.delivered`. Cut and hand-over may be in two processes, days apart:
the cut's ids follow from the digest's, so that each hand-over finds it.
"""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notifier.digest import Digest
from services.notifier.plan import SOURCE
from services.notifier.tables import revisions
from shared import tracing
from shared.database import transaction
from shared.events import DigestDelivered, event_id, traceparent

LINKS = 128
"""Articles of one digest that are linked; OpenTelemetry's own limit."""


def delivered_id(digest: Digest) -> str:
    """The id of the event that tells of its delivery."""
    return event_id(f"{SOURCE}:{digest.topic}", DigestDelivered.ROUTING_KEY, digest.id)


def cut_of(digest: Digest) -> str:
    """The `traceparent` of the span that is its cut."""
    return traceparent(f"cut {digest.id}", traceparent(delivered_id(digest)))


async def tell_cut(engine: AsyncEngine, digest: Digest, since: int) -> None:
    """Tell of a digest that was cut, where somebody listens; `since` is in ns since 1970.

    Raises:
        Retryable: the database is away.
    """
    tracer = tracing.tracer()
    if tracer is None:
        return
    async with transaction(engine) as connection:
        links = await _articles(connection, digest.topic, sorted(digest.told)[:LINKS])
    tracer.ended(
        tracing.Ended("cut digest", since, at=cut_of(digest), links=links),
        {
            "digest_id": digest.id,
            "topic": digest.topic,
            "subscription_id": digest.subscription_id,
            "digest_kind": digest.kind,
            "articles": digest.total,
        },
    )


async def _articles(
    connection: AsyncConnection, topic: str, pmids: Collection[int]
) -> list[tuple[str, int | None]]:
    """The spans that wrote the latest events of these, of those that came while somebody listened.

    `archive.store.note` has kept them.
    """
    rows = await connection.execute(
        sa.select(revisions.c.pmid, revisions.c.told)
        .where(revisions.c.topic == topic, revisions.c.pmid.in_(pmids))
        .order_by(revisions.c.revision, revisions.c.at)
    )
    latest = {row.pmid: row.told.get("trace") for row in rows}
    return [(trace, pmid) for pmid, trace in sorted(latest.items()) if trace]
