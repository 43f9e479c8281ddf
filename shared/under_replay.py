"""What a part of the system does about replays: each that works by itself or reaches out says so.

A consumer's handlers, the loops of a service, and every module that opens connections to others
declare one of these where they are wired or written; `tests/test_under_replay.py` finds who does
not.
"""

from enum import Enum


class UnderReplay(Enum):
    """How a part behaves towards events that carry the marks of a replay."""

    APART = "handles them apart: no live row is written, and what is made of them is marked"
    """Consumers' handlers."""

    LIVE_ONLY = "acts on what live events and the world have left, which no replay writes"
    """Polls, digests, letters, pings: a replay neither causes nor changes what they do."""

    LISTED_ONLY = "sends to a replay's allow-list, marked as a replay, and to nobody else"
    """The one way out for what a replay brought."""

    KNOWN_ONLY = "answers from what is known already, and asks nobody outside"
    """What costs money for each question."""

    AS_TOLD = "does not look into what it carries: whoever hands over decides, and has declared"
    """Relays and senders."""

    INSIDE = "has no effect outside, and none on what is news"
    """Tidying, indexing, declaring."""
