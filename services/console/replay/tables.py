"""The console's own tables of replays through the queues: how far each one is."""

import sqlalchemy as sa

from shared.database import Json, UtcDateTime, make_metadata

metadata = make_metadata("console")

replays = sa.Table(
    "replays",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("asked", Json, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("wanted", sa.String(16)),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("chosen", sa.Integer, nullable=False),
    sa.Column("sent", sa.Integer, nullable=False),
    sa.Column("repeated", sa.Integer, nullable=False),
    sa.Column("outcomes", Json),
    sa.Column("holder", sa.String(36)),
    sa.Column("held_until", UtcDateTime),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("told", sa.Boolean, nullable=False),
)
"""One replay: `asked` is its `Order`, `position` of the last event that is safe in a queue.

`wanted` is what an operator asked of the process that runs it (`paused` or `cancelled`); that is
`holder`, until `held_until` unless it says again that it lives. `sent` and `repeated` count events
up to `position`. `outcomes` are counts by consumer, once it has ended; `told`: its audit event is
published.
"""

replay_events = sa.Table(
    "replay_events",
    metadata,
    sa.Column("replay_id", sa.String(36), primary_key=True),
    sa.Column("consumer", sa.String(40), primary_key=True),
    sa.Column("event_id", sa.String(100), primary_key=True),
    sa.Column("body_hash", sa.String(16), nullable=False),
    sa.Column("outcome", sa.String(16)),
    sa.Index("ix_replay_events_replay_id_outcome", "replay_id", "outcome"),
)
"""What a replay sent to whom, and what came of it, as far as it is known: a `replayed.Result`, or
`failed`. Of a replay that has ended only what failed or is still open stays."""
