"""Which of the archive's events came by an import: those were given to nobody."""

import sqlalchemy as sa
from alembic import op

from shared.migrate import schema

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    if schema("console"):
        return
    op.add_column(
        "archive",
        sa.Column("imported", sa.Boolean, nullable=False, server_default=sa.false()),
        schema=schema("console"),
    )


def downgrade() -> None:
    if schema("console"):
        return
    op.drop_column("archive", "imported", schema=schema("console"))
