"""The classifier's tables. Only this service reads them."""

import sqlalchemy as sa

from shared.database import Json, UtcDateTime, make_metadata
from shared.inbox import inbox_table
from shared.outbox import outbox_table
from shared.replayed import outcomes_table

metadata = make_metadata("classifier")

classifications = sa.Table(
    "classifications",
    metadata,
    sa.Column("topic", sa.String(60), primary_key=True),
    sa.Column("pmid", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("scope", sa.String(20), nullable=False),
    sa.Column("classification", Json, nullable=False),
    sa.Column("taxonomy_version", sa.String(40), nullable=False),
    sa.Column("classifier_version", sa.String(40), nullable=False),
    sa.Column("event_id", sa.String(36), nullable=False),
    sa.Column("classified_at", UtcDateTime, nullable=False),
)

opinions = sa.Table(
    "opinions",
    metadata,
    sa.Column("content_hash", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(200), primary_key=True),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("asked_at", UtcDateTime, nullable=False),
)

inbox = inbox_table(metadata)
outbox = outbox_table(metadata)
outcomes = outcomes_table(metadata)
