"""The notifier's tables: what it knows of articles and polls, who subscribed, what was sent."""

import sqlalchemy as sa

from shared.database import Json, UtcDateTime, make_metadata
from shared.inbox import inbox_table
from shared.outbox import outbox_table
from shared.replayed import outcomes_table

metadata = make_metadata("notifier")
inbox = inbox_table(metadata)
outbox = outbox_table(metadata)
outcomes = outcomes_table(metadata)

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
    sa.Column("indexed", sa.Integer, nullable=False, server_default="0"),
    sa.Index("ix_articles_topic_discovered_at", "topic", "discovered_at"),
    sa.Index("ix_articles_status", "status"),
    sa.Index("ix_articles_status_changed_at", "status_changed_at"),
    sa.Index("ix_articles_topic_backfill_relatedness", "topic", "backfill", "relatedness"),
    sa.Index("ix_articles_indexed", "indexed"),
)
"""The latest revision of each article of a topic; `entry` is its `Classified` as JSON.

`indexed` says by which version of the archive's index its card, text and labels were written; 0 is
none yet.
"""

cards = sa.Table(
    "cards",
    metadata,
    sa.Column("topic", sa.String(64), primary_key=True),
    sa.Column("pmid", sa.BigInteger, primary_key=True),
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
    sa.Index("ix_cards_topic_stamp", "topic", "stamp"),
)
"""What the archive counts and sorts by (`archive.index.Card`), apart from the articles: small rows.

`stamp` is a checksum of the card and its labels.
"""

texts = sa.Table(
    "texts",
    metadata,
    sa.Column("topic", sa.String(64), primary_key=True),
    sa.Column("pmid", sa.BigInteger, primary_key=True),
    sa.Column("words", sa.Text, nullable=False),
    postgresql_with={"toast_tuple_target": 8160},
)
"""The text of each article that is searched, as `archive.fold` writes it.

PostgreSQL keeps it in the row as it is: packed, a search would spend most of its time on unpacking.
"""

labels = sa.Table(
    "labels",
    metadata,
    sa.Column("topic", sa.String(64), primary_key=True),
    sa.Column("pmid", sa.BigInteger, primary_key=True),
    sa.Column("facet", sa.String(16), primary_key=True),
    sa.Column("label", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(120), nullable=False),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Index("ix_labels_topic_facet_label", "topic", "facet", "label"),
)
"""The labels of each article's latest revision, to filter and to count by."""

revisions = sa.Table(
    "revisions",
    metadata,
    sa.Column("event_id", sa.String(36), primary_key=True),
    sa.Column("topic", sa.String(64), nullable=False),
    sa.Column("pmid", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("told", Json, nullable=False),
    sa.Index("ix_revisions_topic_pmid", "topic", "pmid"),
)
"""What became of an article, event by event: `told` has what changed, labels and versions."""

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
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("recipient", sa.String(64), nullable=False),
    sa.Column("owner", sa.String(254)),
    sa.Column("owner_recipient", sa.String(64)),
    sa.Column("secret", sa.Text),
    sa.Column("wish", Json, nullable=False),
    sa.Column("origin", sa.String(16), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("confirmed_at", UtcDateTime),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("inactive_reason", sa.Text),
    sa.Column("paused_at", UtcDateTime),
    sa.Column("paused_until", UtcDateTime),
    sa.Column("looked_at", UtcDateTime),
    sa.Index("ix_subscriptions_recipient", "recipient"),
    sa.Index("ix_subscriptions_owner_recipient", "owner_recipient"),
)
"""`wish` holds the other fields of a `Subscription`; `origin` is `file`, `console` or `web`.

`address` is a mail address in plain, and any other target (a Slack or other webhook, an Apprise
URL) sealed by the `Vault`, as is `secret`, the key that a webhook's messages are signed with.
`recipient` is the hash of channel and target: who it is, without saying it. `owner` is the mail
address of who looks after a target that is no mailbox, `owner_recipient` its hash. `looked_at` is
the last due instant of an immediate subscription that had nothing to bring, and so no digest.

`inactive_reason` of an active one says why it is passed over all the same: it cannot be read.
"""

digests = sa.Table(
    "digests",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("subscription_id", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False, server_default="digest"),
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
    sa.Column("parts_sent", sa.Integer, nullable=False, server_default="0"),
    sa.Column("error", sa.Text),
    sa.Column("given_up_at", UtcDateTime),
    sa.UniqueConstraint("subscription_id", "kind", "period_to"),
    sa.Index("ix_digests_state_next_try_at", "state", "next_try_at"),
)
"""One row for each due instant of a subscription.

`state`: `intent` until the channel accepted it, then `sent`; `skipped` when there was nothing to
say; `failed` with the `error` when it was given up. `attempts` counts hand-overs to the channel.
`maybe_sent` is set, and stays, once an attempt ended without the channel's answer: the mail may be
with its reader. `content` is the `Digest` as JSON; there is none when it could not even be made.
`created_at` before `period_to` says that a clock ahead had cut it, and was put back then.
`kind` is `digest`, or `notice` for one that is sent at once and brings notices only. `parts_sent`
counts the messages of it that the channel accepted, where it takes several. `given_up_at` is when
it failed and freed what it had not told; it is not set where there was nothing to free.
"""

items = sa.Table(
    "items",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("item", Json, nullable=False),
)
"""Articles as digests show them, each once however many digests bring it; by SHA-256 (hex)."""

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
    sa.Index("ix_ledger_pmid", "pmid"),
)
"""Who was told what: `kind` is `article` or `notice:<status>`, `status` what the paper was then.

Written with the digest as an intent; `delivered_at` is set when the digest is recorded as sent.
"""

letters = sa.Table(
    "letters",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
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
    sa.Index("ix_letters_state_next_try_at", "state", "next_try_at"),
    sa.Index("ix_letters_recipient_created_at", "recipient", "created_at"),
)
"""Single mails that are no digest: a confirmation to ask for, a link to manage, a dead target.

`address` is forgotten once a letter has ended; `state` is `waiting`, `sent` or `failed`.
"""

suppressions = sa.Table(
    "suppressions",
    metadata,
    sa.Column("recipient", sa.String(64), primary_key=True),
    sa.Column("reason", sa.String(32), nullable=False),
    sa.Column("detail", sa.Text),
    sa.Column("at", UtcDateTime, nullable=False),
)
"""Who is never written to again: bounced, complained, or asked for it; kept when all else goes."""

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("what", sa.String(32), nullable=False),
    sa.Column("who", sa.String(64), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Index("ix_attempts_what_who_at", "what", "who", "at"),
)
"""Who asked for what, and when, against bombing: `who` is a hash, and rows live for a day."""

feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("topic", sa.String(64), nullable=False),
    sa.Column("pmid", sa.BigInteger, nullable=False),
    sa.Column("subscription_id", sa.String(64)),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("facet", sa.String(16)),
    sa.Column("label", sa.String(64)),
    sa.Column("wanted", sa.String(64)),
    sa.Column("remark", sa.Text),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Index("ix_feedback_topic_pmid", "topic", "pmid"),
)
"""What readers say of labels and articles: `kind` is `wrong-label` or `not-relevant`."""

replay_entries = sa.Table(
    "replay_entries",
    metadata,
    sa.Column("replay_id", sa.String(36), primary_key=True),
    sa.Column("event_id", sa.String(36), primary_key=True),
    sa.Column("topic", sa.String(64), nullable=False),
    sa.Column("pmid", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("hop", sa.Integer, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("allowed", Json, nullable=False),
    sa.Column("entry", Json, nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Index("ix_replay_entries_received_at", "received_at"),
)
"""What a replay brought that somebody may be sent: `allowed` are the ids of the subscriptions.

No digest but that of the replay is made of it; `entry` is a `Classified` as JSON.
"""

replay_digests = sa.Table(
    "replay_digests",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("replay_id", sa.String(36), nullable=False),
    sa.Column("subscription_id", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("content", Json),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_try_at", UtcDateTime),
    sa.Column("claimed_until", UtcDateTime),
    sa.Column("maybe_sent", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("parts_sent", sa.Integer, nullable=False, server_default="0"),
    sa.Column("sent_at", UtcDateTime),
    sa.Column("message_id", sa.String(255)),
    sa.Column("error", sa.Text),
    sa.UniqueConstraint("replay_id", "subscription_id"),
    sa.Index("ix_replay_digests_state_next_try_at", "state", "next_try_at"),
)
"""One row for each subscription that a finished replay is to be sent to, beside the ledger.

`state`: `waiting` until its channel accepted it, then `sent`; `empty` when the replay had nothing
for it; `failed` with the `error`. The other columns are as those of `digests`. Rows stay, so that
nobody is sent a replay twice.
"""

holds = sa.Table(
    "holds",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("known_until", UtcDateTime, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("decision", sa.Text),
)
"""Why nothing is cut or sent, while `ended_at` is not set: this store was restored from a backup.

What happened by `known_until` is in it; what was sent between then and `since` is not known.
`decision` says in words what an operator decided about that.
"""
