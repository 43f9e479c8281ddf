"""Events by when they were received, to forget the oldest."""

from alembic import op

from shared.migrate import schema

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    op.create_index("ix_inbox_received_at", "inbox", ["received_at"], schema=schema("notifier"))


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_inbox_received_at", "inbox", schema=schema("notifier"))
