"""What a language model answered about a text, so that it is asked once."""

import sqlalchemy as sa
from alembic import op

from shared.database import UtcDateTime
from shared.migrate import schema

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "opinions",
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("asked_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("content_hash", "model", name="pk_opinions"),
        schema=schema("classifier"),
    )
