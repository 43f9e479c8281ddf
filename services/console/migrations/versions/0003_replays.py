"""Replays through the queues: what was asked, how far each is, and what it sent."""

import sqlalchemy as sa
from alembic import op

from shared.database import Json, UtcDateTime
from shared.migrate import schema

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "replays",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("asked", Json, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("wanted", sa.String(16)),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("chosen", sa.Integer, nullable=False),
        sa.Column("sent", sa.Integer, nullable=False),
        sa.Column("repeated", sa.Integer, nullable=False),
        sa.Column("outcomes", Json),
        sa.Column("holder", sa.String(36)),
        sa.Column("held_until", UtcDateTime),
        sa.Column("started_at", UtcDateTime, nullable=False),
        sa.Column("finished_at", UtcDateTime),
        sa.Column("told", sa.Boolean, nullable=False),
        schema=schema("console"),
    )
    op.create_table(
        "replay_events",
        sa.Column("replay_id", sa.String(36), primary_key=True),
        sa.Column("consumer", sa.String(40), primary_key=True),
        sa.Column("event_id", sa.String(100), primary_key=True),
        sa.Column("body_hash", sa.String(16), nullable=False),
        sa.Column("outcome", sa.String(16)),
        schema=schema("console"),
    )
    op.create_index(
        "ix_replay_events_replay_id_outcome",
        "replay_events",
        ["replay_id", "outcome"],
        schema=schema("console"),
    )


def downgrade() -> None:
    for table in ("replay_events", "replays"):
        op.drop_table(table, schema=schema("console"))
