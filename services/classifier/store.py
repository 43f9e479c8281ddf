"""The latest classification of each article: SQL only, in the caller's transaction."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.classifier.tables import classifications
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
