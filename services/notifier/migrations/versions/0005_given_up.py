"""When a digest was given up, to make up for it however late that was."""

import sqlalchemy as sa
from alembic import op

from shared.migrate import schema

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    column = sa.Column("given_up_at", sa.DateTime(timezone=True))
    op.add_column("digests", column, schema=schema("notifier"))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("digests", "given_up_at", schema=schema("notifier"))
