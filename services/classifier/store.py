"""The latest classification of each article, and what a model thought: SQL only.

Everything is done in the caller's transaction.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.classifier.tables import classifications, inbox, opinions
from shared.database import insert
from shared.events import ArticleClassified, ArticleDiscovered, ArticleRevised

KEY = ["topic", "pmid"]

Key = tuple[str, int, int]
"""Topic, PMID and revision."""


async def keep_all(
    connection: AsyncConnection, events: Sequence[ArticleClassified], now: datetime
) -> set[Key]:
    """Store each classification unless one of a newer revision is there; those now overtaken.

    Compared and written in one statement, so that two workers cannot overtake each other; in the
    order of the keys, so that neither waits for the other for ever. Of several revisions of an
    article the newest is written.
    """
    latest = {_key(event): event for event in sorted(events, key=_revision)}
    statement = insert(connection, classifications)
    replaced = {
        column.name: statement.excluded[column.name]
        for column in classifications.c
        if not column.primary_key
    }
    rows = await connection.execute(
        statement.on_conflict_do_update(
            index_elements=KEY,
            set_=replaced,
            where=classifications.c.revision <= statement.excluded.revision,
        ).returning(classifications.c.topic, classifications.c.pmid, classifications.c.revision),
        [_row(latest[key], now) for key in sorted(latest)],
    )
    stored = {(row.topic, row.pmid, row.revision) for row in rows}
    return {(*_key(event), event.data.revision) for event in events} - stored


def _key(event: ArticleClassified) -> tuple[str, int]:
    return event.data.topic, event.data.article.pmid


def _revision(event: ArticleClassified) -> int:
    return event.data.revision


def _row(event: ArticleClassified, now: datetime) -> dict[str, object]:
    found, entry = event.data.classification, event.data
    return {
        "topic": entry.topic,
        "pmid": entry.article.pmid,
        "revision": entry.revision,
        "scope": found.scope,
        "classification": found.model_dump(mode="json"),
        "taxonomy_version": found.taxonomy_version,
        "classifier_version": found.classifier_version,
        "event_id": event.id,
        "classified_at": now,
    }


async def had(
    connection: AsyncConnection, events: Collection[ArticleDiscovered | ArticleRevised], name: str
) -> frozenset[str]:
    """The ids of those that the handler of this name has had, or whose revision is overtaken.

    The inbox forgets; that an article is there in this revision or a newer one stays.
    """
    ids = sorted({event.id for event in events})
    known = await connection.scalars(
        sa.select(inbox.c.event_id).where(inbox.c.handler == name, inbox.c.event_id.in_(ids))
    )
    pmids = sorted({event.data.article.pmid for event in events})
    key = (classifications.c.topic, classifications.c.pmid, classifications.c.revision)
    rows = await connection.execute(sa.select(*key).where(classifications.c.pmid.in_(pmids)))
    kept = {(row.topic, row.pmid): row.revision for row in rows}
    return frozenset(known) | {
        event.id
        for event in events
        if kept.get((event.data.topic, event.data.article.pmid), 0) >= event.data.revision
    }


async def relabel(
    connection: AsyncConnection, events: Sequence[ArticleClassified], now: datetime
) -> None:
    """Store classifications of revisions that are there; of others nothing is stored.

    In the order of their keys, as `keep_all`.
    """
    rows = [_row(event, now) for event in sorted(events, key=_key)]
    if rows:
        own = (*KEY, "revision")
        at = (classifications.c[name] == sa.bindparam(f"at_{name}") for name in own)
        new: dict[str, sa.BindParameter[object]] = {
            name: sa.bindparam(f"new_{name}") for name in rows[0] if name not in own
        }
        named = [
            {f"{'at' if name in own else 'new'}_{name}": value for name, value in row.items()}
            for row in rows
        ]
        await connection.execute(classifications.update().where(*at).values(new), named)


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
