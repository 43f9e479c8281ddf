"""The files of NLM that were taken in, and what became of each."""

import sqlalchemy as sa
from alembic import op

from shared.database import Json, UtcDateTime
from shared.migrate import schema

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "ingested_files",
        sa.Column("topic", sa.String(60), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("md5", sa.String(32), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("definition", sa.String(64), nullable=False),
        sa.Column("counts", Json, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("tried_at", UtcDateTime, nullable=False),
        sa.Column("applied_at", UtcDateTime),
        sa.PrimaryKeyConstraint("topic", "sha256", name="pk_ingested_files"),
        schema=schema("poller"),
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("ingested_files", schema=schema("poller"))
