"""The poller's tables. Only this service reads them."""

import sqlalchemy as sa

from shared.database import Json, UtcDateTime, make_metadata
from shared.outbox import outbox_table

metadata = make_metadata("poller")

articles = sa.Table(
    "articles",
    metadata,
    sa.Column("topic", sa.String(60), primary_key=True),
    sa.Column("pmid", sa.Integer, primary_key=True, autoincrement=False),
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
    sa.Column("poll_id", sa.String(36), nullable=False, index=True),
)

polls = sa.Table(
    "polls",
    metadata,
    sa.Column("poll_id", sa.String(36), primary_key=True),
    sa.Column("topic", sa.String(60), nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime, nullable=False),
    sa.Column("healthy", sa.Boolean, nullable=False),
    sa.Column("announced", sa.Integer, nullable=False),
    sa.Index("ix_polls_topic_finished_at", "topic", "finished_at"),
)

legs = sa.Table(
    "legs",
    metadata,
    sa.Column("poll_id", sa.String(36), primary_key=True),
    sa.Column("leg", sa.String(120), primary_key=True),
    sa.Column("topic", sa.String(60), nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("counted", sa.Integer),
    sa.Column("received", sa.Integer, nullable=False),
    sa.Column("fetched", sa.Integer, nullable=False),
    sa.Column("understood", sa.Integer, nullable=False),
    sa.Column("new", sa.Integer, nullable=False),
    sa.Column("published", sa.Integer),
    sa.Column("error", sa.Text),
    sa.Column("query_translation", sa.Text),
    sa.Column("previous_translation", sa.Text),
    sa.Column("warnings", Json, nullable=False),
    sa.Column("window_from", UtcDateTime),
    sa.Column("window_to", UtcDateTime),
    sa.Column("open_since", UtcDateTime),
    sa.Column("alarm", sa.Boolean),
)

open_legs = sa.Table(
    "open_legs",
    metadata,
    sa.Column("topic", sa.String(60), primary_key=True),
    sa.Column("leg", sa.String(120), primary_key=True),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("alarmed_at", UtcDateTime),
)

cursors = sa.Table(
    "cursors",
    metadata,
    sa.Column("topic", sa.String(60), primary_key=True),
    sa.Column("leg", sa.String(120), primary_key=True),
    sa.Column("moved_to", UtcDateTime, nullable=False),
    sa.Column("definition", sa.Text, nullable=False),
    sa.Column("query_translation", sa.Text),
    sa.Column("warnings", Json),
)

parked_records = sa.Table(
    "parked_records",
    metadata,
    sa.Column("topic", sa.String(60), primary_key=True),
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("pmid", sa.Integer, index=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("parked_at", UtcDateTime, nullable=False),
    sa.Column("tried_at", UtcDateTime, nullable=False),
    sa.Column("reasons", Json, nullable=False),
    sa.Column("news_from", UtcDateTime),
)

source = sa.Table(
    "source",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("base_url", sa.Text, nullable=False),
    sa.Column("filled_since", UtcDateTime, nullable=False),
)

outbox = outbox_table(metadata)

windows = sa.Table(
    "windows",
    metadata,
    sa.Column("topic", sa.String(60), primary_key=True),
    sa.Column("leg", sa.String(120), primary_key=True),
    sa.Column("first_day", sa.Date, primary_key=True),
    sa.Column("last_day", sa.Date, nullable=False),
    sa.Column("definition", sa.Text, nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("counted", sa.Integer),
    sa.Column("received", sa.Integer, nullable=False),
    sa.Column("fetched", sa.Integer, nullable=False),
    sa.Column("understood", sa.Integer, nullable=False),
    sa.Column("new", sa.Integer, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("asked_at", UtcDateTime, nullable=False),
)

pace = sa.Table(
    "pace",
    metadata,
    sa.Column("key", sa.String(20), primary_key=True),
    sa.Column("free_at", sa.Double, nullable=False),
)

ingested_files = sa.Table(
    "ingested_files",
    metadata,
    sa.Column("topic", sa.String(60), primary_key=True),
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("md5", sa.String(32), nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("definition", sa.String(64), nullable=False),
    sa.Column("counts", Json, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("tried_at", UtcDateTime, nullable=False),
    sa.Column("applied_at", UtcDateTime),
)
