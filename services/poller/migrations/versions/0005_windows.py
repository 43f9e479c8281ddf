"""The windows of the past that a backfill asked for, one ledger row each."""

import sqlalchemy as sa
from alembic import op

from shared.database import UtcDateTime
from shared.migrate import schema

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "windows",
        sa.Column("topic", sa.String(60), nullable=False),
        sa.Column("leg", sa.String(120), nullable=False),
        sa.Column("first_day", sa.Date, nullable=False),
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
        sa.PrimaryKeyConstraint("topic", "leg", "first_day", name="pk_windows"),
        schema=schema("poller"),
    )


def downgrade() -> None:
    """Take it away again; the articles stay."""
    op.drop_table("windows", schema=schema("poller"))
