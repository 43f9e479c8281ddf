"""Marks: what an event carries that a replay sent, or that was made of one that it sent.

They are attributes of the event (`shared.events.CloudEvent`), so that they go wherever its body
goes: into queues, retries, parking and the archive. What carries none is live.
"""

from dataclasses import dataclass
from typing import TypedDict
from uuid import UUID, uuid5

from shared.events import CloudEvent

_OURS = UUID("3f0c7c6a-6a0f-5d53-9d0c-0b8f6f1f5f0e")
"""Namespace of the ids of what replays make."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What an event carries when it was replayed, or derived from one that was.

    `hop` is 1 for what a replay sent and one more for each derivation. `force`: to be worked on
    although it was had before. `to` are the ids of subscriptions that it may really be sent to.
    """

    replay_id: str
    hop: int
    force: bool
    to: tuple[str, ...]


MARKS = ("replayid", "replayhop", "replayforce", "replayto")
"""The attributes that an event has them in."""


class Attributes(TypedDict, total=False):
    """Marks as an event has them."""

    replayid: str
    replayhop: int
    replayforce: bool
    replayto: str


def marks_of(event: CloudEvent) -> Marks | None:
    """The marks of an event; None where it is live."""
    if event.replayid is None:
        return None
    return Marks(
        event.replayid, event.replayhop or 1, bool(event.replayforce), listed(event.replayto)
    )


def listed(to: str | None) -> tuple[str, ...]:
    """The subscriptions of an allow-list as an event has it, each once."""
    ids = (one.strip() for one in (to or "").split(","))
    return tuple(dict.fromkeys(one for one in ids if one))


def attributes(marks: Marks) -> Attributes:
    """Marks as an event has them; what says nothing is left out."""
    found = Attributes(replayid=marks.replay_id, replayhop=marks.hop)
    if marks.force:
        found["replayforce"] = True
    if marks.to:
        found["replayto"] = ",".join(marks.to)
    return found


def carried_on(event: CloudEvent) -> Attributes:
    """The attributes of what is made of an event: its marks, a step further; none of a live one."""
    marks = marks_of(event)
    if marks is None:
        return Attributes()
    return attributes(Marks(marks.replay_id, marks.hop + 1, marks.force, marks.to))


def id_within(replay_id: str, event_id: str) -> str:
    """The id of what a replay made where live work would have made `event_id`.

    Another one: an outbox, an archive and an inbox take an id once, so with the same one what a
    replay made could take the place of what is live.
    """
    return str(uuid5(_OURS, f"{replay_id} {event_id}"))
