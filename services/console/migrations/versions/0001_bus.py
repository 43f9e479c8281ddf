"""The embedded bus: an archive of all events, a queue per consumer, and parking.

A deployment's database has none of it: RabbitMQ is there instead.
"""

import sqlalchemy as sa
from alembic import op

from shared.database import UtcDateTime
from shared.migrate import schema

revision = "0001"
down_revision = None


def upgrade() -> None:
    if schema("console"):
        return
    op.create_table(
        "archive",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("type", sa.String(80), nullable=False),
        sa.Column("routing_key", sa.String(80), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("published_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("event_id", name="uq_archive_event_id"),
        schema=schema("console"),
    )
    op.create_table(
        "queue",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("consumer", sa.String(40), nullable=False),
        sa.Column("archived", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
        sa.Column("due_at", UtcDateTime, nullable=False),
        sa.Column("first_failed_at", UtcDateTime),
        sa.Column("last_error", sa.Text),
        schema=schema("console"),
    )
    op.create_index("ix_queue_consumer_due_at", "queue", ["consumer", "due_at"])
    op.create_table(
        "parked",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("consumer", sa.String(40), nullable=False),
        sa.Column("archived", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("traceback", sa.Text, nullable=False),
        sa.Column("first_failed_at", UtcDateTime, nullable=False),
        sa.Column("parked_at", UtcDateTime, nullable=False),
        schema=schema("console"),
    )


def downgrade() -> None:
    if schema("console"):
        return
    for table in ("parked", "queue", "archive"):
        op.drop_table(table, schema=schema("console"))
