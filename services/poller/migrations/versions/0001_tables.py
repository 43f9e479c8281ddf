"""The poller's tables: articles, the ledger, cursors, parked records, the outbox."""

import sqlalchemy as sa
from alembic import op

from shared.database import Json, UtcDateTime
from shared.migrate import schema

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _articles()
    _ledger()
    _cursors()
    _parked_records()
    _source()
    _outbox()


def _articles() -> None:
    op.create_table(
        "articles",
        sa.Column("topic", sa.String(60), nullable=False),
        sa.Column("pmid", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("status", sa.String(30), nullable=False),
        sa.Column("article", Json, nullable=False),
        sa.Column("reasons", Json, nullable=False),
        sa.Column("relatedness", sa.Float, nullable=False),
        sa.Column("backfill", sa.Boolean, nullable=False),
        sa.Column("entered_at", UtcDateTime),
        sa.Column("discovered_at", UtcDateTime, nullable=False),
        sa.Column("announced_at", UtcDateTime, nullable=False),
        sa.Column("reread_at", UtcDateTime, nullable=False),
        sa.Column("poll_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("topic", "pmid", name="pk_articles"),
        schema=schema("poller"),
    )
    op.create_index("ix_articles_poll_id", "articles", ["poll_id"], schema=schema("poller"))


def _ledger() -> None:
    op.create_table(
        "polls",
        sa.Column("poll_id", sa.String(36), nullable=False),
        sa.Column("topic", sa.String(60), nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=False),
        sa.Column("finished_at", UtcDateTime, nullable=False),
        sa.Column("healthy", sa.Boolean, nullable=False),
        sa.Column("announced", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("poll_id", name="pk_polls"),
        schema=schema("poller"),
    )
    op.create_index(
        "ix_polls_topic_finished_at", "polls", ["topic", "finished_at"], schema=schema("poller")
    )
    op.create_table(
        "legs",
        sa.Column("poll_id", sa.String(36), nullable=False),
        sa.Column("leg", sa.String(120), nullable=False),
        sa.Column("topic", sa.String(60), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("counted", sa.Integer),
        sa.Column("received", sa.Integer, nullable=False),
        sa.Column("fetched", sa.Integer, nullable=False),
        sa.Column("understood", sa.Integer, nullable=False),
        sa.Column("new", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("query_translation", sa.Text),
        sa.Column("warnings", Json, nullable=False),
        sa.Column("window_from", UtcDateTime),
        sa.Column("window_to", UtcDateTime),
        sa.PrimaryKeyConstraint("poll_id", "leg", name="pk_legs"),
        schema=schema("poller"),
    )


def _cursors() -> None:
    op.create_table(
        "cursors",
        sa.Column("topic", sa.String(60), nullable=False),
        sa.Column("leg", sa.String(120), nullable=False),
        sa.Column("moved_to", UtcDateTime, nullable=False),
        sa.Column("definition", sa.Text, nullable=False),
        sa.Column("query_translation", sa.Text),
        sa.PrimaryKeyConstraint("topic", "leg", name="pk_cursors"),
        schema=schema("poller"),
    )


def _parked_records() -> None:
    op.create_table(
        "parked_records",
        sa.Column("topic", sa.String(60), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("pmid", sa.Integer),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("parked_at", UtcDateTime, nullable=False),
        sa.Column("tried_at", UtcDateTime, nullable=False),
        sa.Column("reasons", Json, nullable=False),
        sa.Column("news_from", UtcDateTime),
        sa.PrimaryKeyConstraint("topic", "digest", name="pk_parked_records"),
        schema=schema("poller"),
    )
    op.create_index("ix_parked_records_pmid", "parked_records", ["pmid"], schema=schema("poller"))


def _source() -> None:
    op.create_table(
        "source",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("base_url", sa.Text, nullable=False),
        sa.Column("filled_since", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_source"),
        schema=schema("poller"),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("type", sa.String(80), nullable=False),
        sa.Column("routing_key", sa.String(80), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_error", sa.Text),
        sa.PrimaryKeyConstraint("seq", name="pk_outbox"),
        sa.UniqueConstraint("event_id", name="uq_outbox_event_id"),
        schema=schema("poller"),
    )
