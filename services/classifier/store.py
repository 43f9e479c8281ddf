"""The latest classification of each article, and what a model thought: SQL only.

Everything is done in the caller's transaction.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.classifier.tables import classifications, opinions
from shared.database import insert
from shared.events import ArticleClassified

KEY = ["topic", "pmid"]


async def keep(connection: AsyncConnection, event: ArticleClassified, now: datetime) -> bool:
    """Store the classification unless one of a newer revision is there; whether it was stored.

    Compared and written in one statement, so that two workers cannot overtake each other.
    """
    found, entry = event.data.classification, event.data
    values = {
        "revision": entry.revision,
        "scope": found.scope,
        "classification": found.model_dump(mode="json"),
        "taxonomy_version": found.taxonomy_version,
        "classifier_version": found.classifier_version,
        "event_id": event.id,
        "classified_at": now,
    }
    statement = insert(connection, classifications).values(
        topic=entry.topic, pmid=entry.article.pmid, **values
    )
    result = await connection.execute(
        statement.on_conflict_do_update(
            index_elements=KEY,
            set_=values,
            where=classifications.c.revision <= entry.revision,
        )
    )
    return result.rowcount == 1


async def opinion(connection: AsyncConnection, content_hash: str, model: str) -> str | None:
    """What a model answered about a text; None when it was not asked."""
    found: str | None = await connection.scalar(_opinion(content_hash, model))
    return found


async def keep_opinion(
    connection: AsyncConnection, content_hash: str, model: str, answer: str, now: datetime
) -> str:
    """Store an answer unless one is there; the one that is there then."""
    await connection.execute(
        insert(connection, opinions)
        .values(content_hash=content_hash, model=model, answer=answer, asked_at=now)
        .on_conflict_do_nothing(index_elements=["content_hash", "model"])
    )
    kept: str = (await connection.execute(_opinion(content_hash, model))).scalar_one()
    return kept


def _opinion(content_hash: str, model: str) -> sa.Select[str]:
    return sa.select(opinions.c.answer).where(
        opinions.c.content_hash == content_hash, opinions.c.model == model
    )
