"""What readers need: the archive's index, pauses, several channels, single mails, feedback.

Subscriptions know their recipient by its hash; digests come in kinds; items are kept once.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from services.notifier.recipient import recipient
from shared.database import Json, UtcDateTime
from shared.migrate import schema

revision = "0003"
down_revision = "0002"

Added = tuple["sa.Column[Any]", ...]
_INDEXES = (
    ("ix_articles_status", "articles", ["status"]),
    ("ix_articles_status_changed_at", "articles", ["status_changed_at"]),
    ("ix_ledger_pmid", "ledger", ["pmid"]),
    ("ix_articles_indexed", "articles", ["indexed"]),
    ("ix_cards_topic_stamp", "cards", ["topic", "stamp"]),
    ("ix_labels_topic_facet_label", "labels", ["topic", "facet", "label"]),
    ("ix_revisions_topic_pmid", "revisions", ["topic", "pmid"]),
    ("ix_subscriptions_recipient", "subscriptions", ["recipient"]),
    ("ix_subscriptions_owner_recipient", "subscriptions", ["owner_recipient"]),
    ("ix_letters_state_next_try_at", "letters", ["state", "next_try_at"]),
    ("ix_letters_recipient_created_at", "letters", ["recipient", "created_at"]),
    ("ix_attempts_what_who_at", "attempts", ["what", "who", "at"]),
    ("ix_feedback_topic_pmid", "feedback", ["topic", "pmid"]),
)
_TABLES = (
    "cards", "texts", "labels", "revisions", "items", "letters", "suppressions", "attempts",
    "feedback",
)  # fmt: skip


def _of_articles() -> Added:
    return (sa.Column("indexed", sa.Integer, nullable=False, server_default="0"),)


def _of_subscriptions() -> Added:
    return (
        sa.Column("recipient", sa.String(64), nullable=False, server_default=""),
        sa.Column("owner", sa.String(254)),
        sa.Column("owner_recipient", sa.String(64)),
        sa.Column("secret", sa.Text),
        sa.Column("paused_at", UtcDateTime),
        sa.Column("paused_until", UtcDateTime),
        sa.Column("looked_at", UtcDateTime),
    )


def upgrade() -> None:
    for column in _of_articles():
        op.add_column("articles", column, schema=schema("notifier"))
    _archive()
    _subscriptions()
    _digests()
    _letters()
    _readers()
    for name, table, columns in _INDEXES:
        op.create_index(name, table, columns, schema=schema("notifier"))


def _archive() -> None:
    op.create_table(
        "cards",
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("pmid", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("scope", sa.String(32), nullable=False),
        sa.Column("journal", sa.String(255), nullable=False),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("entered", sa.Date, nullable=False),
        sa.Column("found", sa.Date, nullable=False),
        sa.Column("preprint", sa.Boolean, nullable=False),
        sa.Column("background", sa.Boolean, nullable=False),
        sa.Column("relations", sa.String(80), nullable=False),
        sa.Column("relatedness", sa.Float, nullable=False),
        sa.Column("stamp", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("topic", "pmid", name="pk_cards"),
        schema=schema("notifier"),
    )
    op.create_table(
        "texts",
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("pmid", sa.BigInteger, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("topic", "pmid", name="pk_texts"),
        schema=schema("notifier"),
        postgresql_with={"toast_tuple_target": 8160},
    )
    _labels_and_revisions()


def _labels_and_revisions() -> None:
    op.create_table(
        "labels",
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("pmid", sa.BigInteger, nullable=False),
        sa.Column("facet", sa.String(16), nullable=False),
        sa.Column("label", sa.String(64), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("topic", "pmid", "facet", "label", name="pk_labels"),
        schema=schema("notifier"),
    )
    op.create_table(
        "revisions",
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("pmid", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("told", Json, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_revisions"),
        schema=schema("notifier"),
    )


def _subscriptions() -> None:
    for column in _of_subscriptions():
        op.add_column("subscriptions", column, schema=schema("notifier"))
    with op.batch_alter_table("subscriptions", schema=schema("notifier")) as table:
        table.alter_column("address", existing_type=sa.String(254), type_=sa.Text)
    names = ("id", "channel", "address", "recipient")
    kept = sa.table("subscriptions", *map(sa.column, names), schema=schema("notifier"))
    connection = op.get_bind()
    rows = connection.execute(sa.select(kept.c.id, kept.c.channel, kept.c.address)).all()
    for row in rows:
        who = recipient(row.channel, row.address)
        connection.execute(kept.update().where(kept.c.id == row.id).values(recipient=who))
    with op.batch_alter_table("subscriptions", schema=schema("notifier")) as table:
        table.alter_column("recipient", existing_type=sa.String(64), server_default=None)


def _digests() -> None:
    with op.batch_alter_table("digests", schema=schema("notifier")) as table:
        table.add_column(sa.Column("kind", sa.String(16), nullable=False, server_default="digest"))
        table.add_column(sa.Column("parts_sent", sa.Integer, nullable=False, server_default="0"))
        table.drop_constraint("uq_digests_subscription_id_period_to", type_="unique")
        table.create_unique_constraint(
            "uq_digests_subscription_id_kind_period_to", ["subscription_id", "kind", "period_to"]
        )
    op.create_table(
        "items",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("item", Json, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_items"),
        schema=schema("notifier"),
    )


def _letters() -> None:
    op.create_table(
        "letters",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("recipient", sa.String(64), nullable=False),
        sa.Column("address", sa.Text),
        sa.Column("subscription_id", sa.String(64)),
        sa.Column("told", Json, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_try_at", UtcDateTime),
        sa.Column("claimed_until", UtcDateTime),
        sa.Column("sent_at", UtcDateTime),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_letters"),
        schema=schema("notifier"),
    )
    op.create_table(
        "suppressions",
        sa.Column("recipient", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("detail", sa.Text),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("recipient", name="pk_suppressions"),
        schema=schema("notifier"),
    )


def _readers() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
        schema=schema("notifier"),
    )
    op.create_table(
        "feedback",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("pmid", sa.BigInteger, nullable=False),
        sa.Column("subscription_id", sa.String(64)),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("facet", sa.String(16)),
        sa.Column("label", sa.String(64)),
        sa.Column("wanted", sa.String(64)),
        sa.Column("remark", sa.Text),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_feedback"),
        schema=schema("notifier"),
    )


def _inline() -> None:
    """Each digest has its items itself again: the version before does not know of any others."""
    connection = op.get_bind()
    named = {"schema": schema("notifier")}
    digests = sa.table("digests", sa.column("id"), sa.column("content", Json), **named)
    items = sa.table("items", sa.column("hash"), sa.column("item", Json), **named)
    kept = {row.hash: row.item for row in connection.execute(sa.select(items))}
    for row in connection.execute(sa.select(digests)).all():
        if row.content:
            whole = _whole(row.content, kept)
            connection.execute(digests.update().where(digests.c.id == row.id).values(content=whole))


def _whole(content: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    lists = ("other", "beyond", "background", "background_beyond")
    places = [(group, "items") for group in content.get("groups", ())]
    for part, name in (*places, *((content, name) for name in lists if name in content)):
        part[name] = [kept.get(one, one) if isinstance(one, str) else one for one in part[name]]
    return content


def downgrade() -> None:
    _inline()
    for name, owner, _ in reversed(_INDEXES):
        op.drop_index(name, owner, schema=schema("notifier"))
    for name in _TABLES:
        op.drop_table(name, schema=schema("notifier"))
    digests = sa.table("digests", sa.column("kind"), schema=schema("notifier"))
    op.execute(digests.delete().where(digests.c.kind != "digest"))
    with op.batch_alter_table("digests", schema=schema("notifier")) as table:
        table.drop_constraint("uq_digests_subscription_id_kind_period_to", type_="unique")
        table.create_unique_constraint(
            "uq_digests_subscription_id_period_to", ["subscription_id", "period_to"]
        )
        table.drop_column("kind")
        table.drop_column("parts_sent")
    for column in _of_subscriptions():
        op.drop_column("subscriptions", column.name, schema=schema("notifier"))
    for column in _of_articles():
        op.drop_column("articles", column.name, schema=schema("notifier"))
