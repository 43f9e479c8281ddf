"""What became of the events that a replay brought."""

import sqlalchemy as sa
from alembic import op

from shared.database import UtcDateTime
from shared.migrate import schema

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "replay_outcomes",
        sa.Column("replay_id", sa.String(36), nullable=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("handler", sa.String(40), nullable=False),
        sa.Column("hop", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("replay_id", "event_id", "handler", name="pk_replay_outcomes"),
        schema=schema("classifier"),
    )
    op.create_index("ix_replay_outcomes_at", "replay_outcomes", ["at"], schema=schema("classifier"))


def downgrade() -> None:
    """Drop it."""
    op.drop_table("replay_outcomes", schema=schema("classifier"))
