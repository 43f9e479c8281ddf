"""When NCBI may be asked next, for all pollers together."""

import sqlalchemy as sa
from alembic import op

from shared.migrate import schema

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "pace",
        sa.Column("key", sa.String(20), nullable=False),
        sa.Column("free_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_pace"),
        schema=schema("poller"),
    )
