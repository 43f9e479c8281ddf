"""Why nothing is sent: since a restore, until somebody has decided what was told meanwhile."""

import sqlalchemy as sa
from alembic import op

from shared.database import UtcDateTime
from shared.errors import ConfigurationError
from shared.migrate import schema

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "holds",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("known_until", UtcDateTime, nullable=False),
        sa.Column("since", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime),
        sa.Column("decision", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_holds"),
        schema=schema("notifier"),
    )


def downgrade() -> None:
    """Drop it, unless it still keeps something from being sent twice."""
    holds = sa.table("holds", sa.column("ended_at"), schema=schema("notifier"))
    standing = sa.select(sa.exists(sa.select(holds).where(holds.c.ended_at.is_(None))))
    if op.get_bind().scalar(standing):
        raise ConfigurationError(
            "sending is held, and an older version would not know it: decide first "
            "(`carillon sending`)"
        )
    op.drop_table("holds", schema=schema("notifier"))
