"""A recorded event, wherever it was read: the bus's file, RabbitMQ's stream, a file of lines."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pydantic import AwareDatetime, ValidationError

from services.console.archive.upcast import read_event, upcast
from shared.article import Record
from shared.events import Event
from shared.marks import Marks, listed

LONG_AGO = datetime.fromtimestamp(0, UTC)
"""Stands for the time of a first entry that carries none."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One entry of an archive; what cannot be read is an entry too, and `event` says why.

    `position` grows in the order of publishing (embedded `seq`, the stream's offset, in a file the
    position where it was recorded). `published_at` is the bus's time when embedded; a stream
    keeps none with a message, so there it is the event's own `time`, and for an entry without
    one that of the entry before.
    """

    position: int
    event_id: str
    type: str
    routing_key: str
    published_at: datetime
    body: bytes
    marks: Marks | None = None

    def event(self) -> Event:
        """The event, upcast to today's version.

        Raises:
            Undecodable: it is not an event that can be read, or of a newer version.
        """
        return read_event(self.body)

    def today(self) -> "Recorded":
        """The same with its body as today's version of its type.

        Raises:
            Undecodable: as `event`.
        """
        body = upcast(self.body)
        if body is self.body:
            return self
        return envelop(self.position, body, published_at=self.published_at)


Read = Callable[[], AsyncIterator[Recorded]]
"""Reads an archive from its first entry to what was its last when reading began."""


class Envelope(Record):
    """What of a CloudEvent an archive looks at; the rest of the body is passed over."""

    id: str
    type: str
    time: AwareDatetime | None = None
    replayid: str | None = None
    replayhop: int | None = None
    replayforce: bool | None = None
    replayto: tuple[str, ...] | str | None = None


def envelop(
    position: int,
    body: bytes,
    routing_key: str | None = None,
    published_at: datetime | None = None,
    before: datetime = LONG_AGO,
) -> Recorded:
    """An entry from a body; what is not given is taken from it, where it is an event.

    `before` is the time of the entry before.
    """
    try:
        found = _enveloped(body)
    except ValidationError:
        return Recorded(position, "", "", routing_key or "", published_at or before, body)
    return Recorded(
        position,
        found.id,
        found.type,
        key_of(found.type) if routing_key is None else routing_key,
        published_at or found.time or before,
        body,
        _marks(found),
    )


def _enveloped(body: bytes) -> Envelope:
    """What an archive looks at. Our own events have their attributes before `data`, the most of it.

    So only what stands before it is read, where that is enough: it names the event, and nothing
    after it can be a mark. Anything else is read whole. Raises `ValidationError`.
    """
    data = body.find(_DATA)
    if data > 0 and body.find(_MARK, data) < 0:
        try:
            envelope = Envelope.model_validate_json(body[:data] + b"}")
        except ValidationError:
            return Envelope.model_validate_json(body)
        if envelope.time is not None:
            return envelope
    return Envelope.model_validate_json(body)


_DATA, _MARK = b',"data":{', b'"replay'
"""In JSON neither can be part of a text: quotes in one have a backslash before them."""


def named(entry: Recorded, event_id: str, kind: str) -> Recorded:
    """The entry; where its body does not say, with the id and type that its carrier knows."""
    return entry if entry.event_id else replace(entry, event_id=event_id, type=kind)


def key_of(kind: str) -> str:
    """The routing key of a type: `article.discovered` of `carillon.article.discovered.v1`."""
    return kind.removeprefix("carillon.").rpartition(".v")[0] or kind


def _marks(found: Envelope) -> Marks | None:
    if found.replayid is None:
        return None
    to = found.replayto
    return Marks(
        found.replayid,
        found.replayhop or 0,
        bool(found.replayforce),
        to if isinstance(to, tuple) else listed(to),
    )
