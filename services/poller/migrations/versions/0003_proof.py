"""The ledger's proof: what was published, since when a leg is open, and PubMed's remarks."""

import sqlalchemy as sa
from alembic import op

from shared.database import Json, UtcDateTime
from shared.migrate import schema

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, all of them empty in older lines, and the table of open legs."""
    for column in (
        sa.Column("published", sa.Integer),
        sa.Column("previous_translation", sa.Text),
        sa.Column("open_since", UtcDateTime),
        sa.Column("alarm", sa.Boolean),
    ):
        op.add_column("legs", column, schema=schema("poller"))
    op.add_column("cursors", sa.Column("warnings", Json), schema=schema("poller"))
    op.create_table(
        "open_legs",
        sa.Column("topic", sa.String(60), nullable=False),
        sa.Column("leg", sa.String(120), nullable=False),
        sa.Column("since", UtcDateTime, nullable=False),
        sa.Column("alarmed_at", UtcDateTime),
        sa.PrimaryKeyConstraint("topic", "leg"),
        schema=schema("poller"),
    )


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("open_legs", schema=schema("poller"))
    op.drop_column("cursors", "warnings", schema=schema("poller"))
    for name in ("alarm", "open_since", "previous_translation", "published"):
        op.drop_column("legs", name, schema=schema("poller"))
