"""What a replay brought that somebody may be sent, and to whom it was sent."""

import sqlalchemy as sa
from alembic import op

from shared.database import Json, UtcDateTime
from shared.migrate import schema

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _entries()
    _digests()


def _entries() -> None:
    op.create_table(
        "replay_entries",
        sa.Column("replay_id", sa.String(36), nullable=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("pmid", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("hop", sa.Integer, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("allowed", Json, nullable=False),
        sa.Column("entry", Json, nullable=False),
        sa.Column("received_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("replay_id", "event_id", name="pk_replay_entries"),
        schema=schema("notifier"),
    )
    op.create_index(
        "ix_replay_entries_received_at",
        "replay_entries",
        ["received_at"],
        schema=schema("notifier"),
    )


def _digests() -> None:
    op.create_table(
        "replay_digests",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("replay_id", sa.String(36), nullable=False),
        sa.Column("subscription_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("content", Json),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_try_at", UtcDateTime),
        sa.Column("claimed_until", UtcDateTime),
        sa.Column("maybe_sent", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("parts_sent", sa.Integer, nullable=False, server_default="0"),
        sa.Column("sent_at", UtcDateTime),
        sa.Column("message_id", sa.String(255)),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_replay_digests"),
        sa.UniqueConstraint(
            "replay_id",
            "subscription_id",
            name="uq_replay_digests_replay_id_subscription_id",
        ),
        schema=schema("notifier"),
    )
    op.create_index(
        "ix_replay_digests_state_next_try_at",
        "replay_digests",
        ["state", "next_try_at"],
        schema=schema("notifier"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("replay_digests", schema=schema("notifier"))
    op.drop_table("replay_entries", schema=schema("notifier"))
