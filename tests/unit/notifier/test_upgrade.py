"""What a migration makes of a store that was filled before it."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier import store, tables
from shared.article import Correction
from shared.database import transaction
from shared.migrate import upgrade
from tests.builders import NOON, an_article, classified


async def test_relatedness_and_versions_are_read_from_the_articles_that_are_there(
    database: AsyncEngine,
) -> None:
    await upgrade(database, "notifier", "0001")
    update = (
        Correction(ref_type="UpdateIn", pmid=2), Correction(ref_type="UpdateOf", pmid=3),
        Correction(ref_type="CommentIn", pmid=4), Correction(ref_type="UpdateIn"),
    )  # fmt: skip
    kept = [
        classified(article=an_article(pmid=1, corrections=update), relatedness=0.75).data,
        classified(article=an_article(pmid=9), relatedness=0.25).data,
    ]
    async with transaction(database) as connection:
        for entry in kept:
            await connection.execute(
                tables.articles.insert().values(
                    topic="t", pmid=entry.article.pmid, revision=1, status="published",
                    scope="core", backfill=True, discovered_at=NOON, first_seen_at=NOON,
                    classified_at=NOON, entry=entry.model_dump(mode="json"),
                )
            )  # fmt: skip

    await upgrade(database, "notifier")

    async with transaction(database) as connection:
        near = await connection.execute(
            sa.select(tables.articles.c.pmid, tables.articles.c.relatedness)
        )
        assert {row.pmid: row.relatedness for row in near} == {1: 0.75, 9: 0.25}
        assert await store.versions(connection, "t") == {(1, 2), (3, 1)}
