"""Articles and polls as projected, subscriptions, digests and the delivery ledger."""

import sqlalchemy as sa
from alembic import op

from shared.database import Json, UtcDateTime
from shared.migrate import schema

revision = "0001"
down_revision = None


def upgrade() -> None:
    _messages()
    _projection()
    _subscriptions()
    _digests()


def _messages() -> None:
    op.create_table(
        "inbox",
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("handler", sa.String(40), nullable=False),
        sa.Column("received_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("event_id", "handler", name="pk_inbox"),
        schema=schema("notifier"),
    )
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("type", sa.String(80), nullable=False),
        sa.Column("routing_key", sa.String(80), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_error", sa.Text),
        sa.PrimaryKeyConstraint("seq", name="pk_outbox"),
        sa.UniqueConstraint("event_id", name="uq_outbox_event_id"),
        schema=schema("notifier"),
    )


def _projection() -> None:
    op.create_table(
        "articles",
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("pmid", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("status_changed_at", UtcDateTime),
        sa.Column("scope", sa.String(32), nullable=False),
        sa.Column("backfill", sa.Boolean, nullable=False),
        sa.Column("discovered_at", UtcDateTime, nullable=False),
        sa.Column("first_seen_at", UtcDateTime, nullable=False),
        sa.Column("classified_at", UtcDateTime, nullable=False),
        sa.Column("relevant_since", UtcDateTime),
        sa.Column("entry", Json, nullable=False),
        sa.PrimaryKeyConstraint("topic", "pmid", name="pk_articles"),
        schema=schema("notifier"),
    )
    _index("articles", "topic", "discovered_at")
    op.create_table(
        "received",
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("poll_id", sa.String(64), nullable=False),
        sa.Column("pmid", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("topic", "poll_id", "pmid", name="pk_received"),
        schema=schema("notifier"),
    )
    op.create_table(
        "polls",
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("poll_id", sa.String(64), nullable=False),
        sa.Column("finished_at", UtcDateTime, nullable=False),
        sa.Column("healthy", sa.Boolean, nullable=False),
        sa.Column("announced", sa.Integer, nullable=False),
        sa.Column("poll", Json, nullable=False),
        sa.PrimaryKeyConstraint("topic", "poll_id", name="pk_polls"),
        schema=schema("notifier"),
    )
    _index("polls", "topic", "finished_at")


def _subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("wish", Json, nullable=False),
        sa.Column("origin", sa.String(16), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("confirmed_at", UtcDateTime),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("inactive_reason", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_subscriptions"),
        schema=schema("notifier"),
    )


def _digests() -> None:
    op.create_table(
        "digests",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("subscription_id", sa.String(64), nullable=False),
        sa.Column("period_from", UtcDateTime, nullable=False),
        sa.Column("period_to", UtcDateTime, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("content", Json),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_try_at", UtcDateTime),
        sa.Column("claimed_until", UtcDateTime),
        sa.Column("maybe_sent", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("sent_at", UtcDateTime),
        sa.Column("message_id", sa.String(255)),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_digests"),
        sa.UniqueConstraint(
            "subscription_id", "period_to", name="uq_digests_subscription_id_period_to"
        ),
        schema=schema("notifier"),
    )
    _index("digests", "state", "next_try_at")
    op.create_table(
        "ledger",
        sa.Column("subscription_id", sa.String(64), nullable=False),
        sa.Column("pmid", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("digest_id", sa.String(36), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("delivered_at", UtcDateTime),
        sa.PrimaryKeyConstraint("subscription_id", "pmid", "kind", name="pk_ledger"),
        schema=schema("notifier"),
    )
    _index("ledger", "digest_id")


def _index(table: str, *columns: str) -> None:
    name = f"ix_{table}_{'_'.join(columns)}"
    op.create_index(name, table, list(columns), schema=schema("notifier"))


def downgrade() -> None:
    for table in ("ledger", "digests", "subscriptions", "polls", "received", "articles"):
        op.drop_table(table, schema=schema("notifier"))
    for table in ("outbox", "inbox"):
        op.drop_table(table, schema=schema("notifier"))
