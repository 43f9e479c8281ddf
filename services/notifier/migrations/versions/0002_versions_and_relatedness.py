"""How near an article is, to rank background by; and which records are versions of each other.

Both are read from the articles that are there already.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from shared.database import Json
from shared.migrate import schema

revision = "0002"
down_revision = "0001"

_INDEX = "ix_articles_topic_backfill_relatedness"


def upgrade() -> None:
    op.add_column(
        "articles",
        sa.Column("relatedness", sa.Float, nullable=False, server_default="0"),
        schema=schema("notifier"),
    )
    op.create_index(
        _INDEX, "articles", ["topic", "backfill", "relatedness"], schema=schema("notifier")
    )
    op.create_table(
        "versions",
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("said_by", sa.BigInteger, nullable=False),
        sa.Column("earlier", sa.BigInteger, nullable=False),
        sa.Column("later", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("topic", "said_by", "earlier", "later", name="pk_versions"),
        schema=schema("notifier"),
    )
    _fill()


def _fill() -> None:
    articles = sa.table(
        "articles",
        *(sa.column(name) for name in ("topic", "pmid", "relatedness")),
        sa.column("entry", Json),
        schema=schema("notifier"),
    )
    names = ("topic", "said_by", "earlier", "later")
    versions = sa.table("versions", *map(sa.column, names), schema=schema("notifier"))
    connection = op.get_bind()
    for topic, pmid in connection.execute(sa.select(articles.c.topic, articles.c.pmid)).all():
        one = (articles.c.topic == topic, articles.c.pmid == pmid)
        entry = connection.execute(sa.select(articles.c.entry).where(*one)).scalar_one()
        near = float(entry.get("relatedness") or 0)
        connection.execute(articles.update().where(*one).values(relatedness=near))
        pairs = sorted(set(_versions(pmid, entry)))
        if pairs:
            rows = [dict(zip(names, (topic, pmid, *pair), strict=True)) for pair in pairs]
            connection.execute(versions.insert(), rows)


def _versions(pmid: int, entry: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    for one in entry["article"].get("corrections") or ():
        other = one.get("pmid")
        if other and other != pmid and one["ref_type"] == "UpdateIn":
            yield pmid, other
        if other and other != pmid and one["ref_type"] == "UpdateOf":
            yield other, pmid


def downgrade() -> None:
    op.drop_table("versions", schema=schema("notifier"))
    op.drop_index(_INDEX, "articles", schema=schema("notifier"))
    op.drop_column("articles", "relatedness", schema=schema("notifier"))
