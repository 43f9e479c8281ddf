"""The notifier's tables: what it knows of articles and polls, who subscribed, what was sent."""

import sqlalchemy as sa

from shared.database import Json, UtcDateTime, make_metadata
from shared.inbox import inbox_table
from shared.outbox import outbox_table

metadata = make_metadata("notifier")
inbox = inbox_table(metadata)
outbox = outbox_table(metadata)

articles = sa.Table(
    "articles",
    metadata,
    sa.Column("topic", sa.String(64), primary_key=True),
    sa.Column("pmid", sa.BigInteger, primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("status_changed_at", UtcDateTime),
    sa.Column("scope", sa.String(32), nullable=False),
    sa.Column("backfill", sa.Boolean, nullable=False),
    sa.Column("discovered_at", UtcDateTime, nullable=False),
    sa.Column("first_seen_at", UtcDateTime, nullable=False),
    sa.Column("classified_at", UtcDateTime, nullable=False),
    sa.Column("relevant_since", UtcDateTime),
    sa.Column("relatedness", sa.Float, nullable=False, server_default="0"),
    sa.Column("entry", Json, nullable=False),
    sa.Index("ix_articles_topic_discovered_at", "topic", "discovered_at"),
    sa.Index("ix_articles_topic_backfill_relatedness", "topic", "backfill", "relatedness"),
)
"""The latest revision of each article of a topic; `entry` is its `Classified` as JSON."""

versions = sa.Table(
    "versions",
    metadata,
    sa.Column("topic", sa.String(64), primary_key=True),
    sa.Column("said_by", sa.BigInteger, primary_key=True),
    sa.Column("earlier", sa.BigInteger, primary_key=True),
    sa.Column("later", sa.BigInteger, primary_key=True),
)
"""Which record is an update of which, a preprint's journal version among them.

`said_by` is the one of the two whose record says so.
"""

received = sa.Table(
    "received",
    metadata,
    sa.Column("topic", sa.String(64), primary_key=True),
    sa.Column("poll_id", sa.String(64), primary_key=True),
    sa.Column("pmid", sa.BigInteger, primary_key=True),
)
"""Which articles of a poll have arrived, to compare with the number that it announced."""

polls = sa.Table(
    "polls",
    metadata,
    sa.Column("topic", sa.String(64), primary_key=True),
    sa.Column("poll_id", sa.String(64), primary_key=True),
    sa.Column("finished_at", UtcDateTime, nullable=False),
    sa.Column("healthy", sa.Boolean, nullable=False),
    sa.Column("announced", sa.Integer, nullable=False),
    sa.Column("poll", Json, nullable=False),
    sa.Index("ix_polls_topic_finished_at", "topic", "finished_at"),
)

subscriptions = sa.Table(
    "subscriptions",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("topic", sa.String(64), nullable=False),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("address", sa.String(254), nullable=False),
    sa.Column("wish", Json, nullable=False),
    sa.Column("origin", sa.String(16), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("confirmed_at", UtcDateTime),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("inactive_reason", sa.Text),
)
"""`wish` holds the other fields of a `Subscription`; `origin` is `file` or `console`.

`inactive_reason` of an active one says why it is passed over all the same: it cannot be read.
"""

digests = sa.Table(
    "digests",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
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
    sa.UniqueConstraint("subscription_id", "period_to"),
    sa.Index("ix_digests_state_next_try_at", "state", "next_try_at"),
)
"""One row for each due instant of a subscription.

`state`: `intent` until the channel accepted it, then `sent`; `skipped` when there was nothing to
say; `failed` with the `error` when it was given up. `attempts` counts hand-overs to the channel.
`maybe_sent` is set, and stays, once an attempt ended without the channel's answer: the mail may be
with its reader. `content` is the `Digest` as JSON; there is none when it could not even be made.
"""

ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("subscription_id", sa.String(64), primary_key=True),
    sa.Column("pmid", sa.BigInteger, primary_key=True),
    sa.Column("kind", sa.String(40), primary_key=True),
    sa.Column("digest_id", sa.String(36), nullable=False),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("delivered_at", UtcDateTime),
    sa.Index("ix_ledger_digest_id", "digest_id"),
)
"""Who was told what: `kind` is `article` or `notice:<status>`, `status` what the paper was then.

Written with the digest as an intent; `delivered_at` is set when the digest is recorded as sent.
"""
