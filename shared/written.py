"""Events in an outbox, as traces tell of them: each is the span that its `traceparent` names.

It is told when the transaction has ended: what is rolled back never was.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared import tracing
from shared.events import CloudEvent, traceparent

_TO_TELL = "written_to_tell"
"""What a database connection remembers until its transaction has ended."""


def remember(
    connection: AsyncConnection, events: Sequence[CloudEvent], under: Mapping[str, str | None]
) -> None:
    """Tell of these events once they are committed, where somebody listens.

    An event is told under the one that caused it; `under` has, by id, what else it is told under.
    One with neither begins a trace, which links to the work that is under way here.
    """
    if tracer := tracing.tracer():
        told = _Told(tracer, tracing.now(), tracer.here(), under, events)
        connection.info.setdefault(_TO_TELL, []).append(told)


@dataclass(frozen=True)
class _Told:
    """Events of a transaction that has not ended: to whom, since when, and by what work."""

    tracer: tracing.Tracer
    since: int
    by: str | None
    under: Mapping[str, str | None]
    events: Sequence[CloudEvent]

    def tell(self) -> None:
        for event in self.events:
            under = self._parent(event)
            work = tracing.Ended(
                f"write {event.ROUTING_KEY}",
                self.since,
                at=event.traceparent,
                under=under,
                links=() if under else tracing.links_to([self.by]),
                kind="producer",
            )
            self.tracer.ended(work, _ids(event))

    def _parent(self, event: CloudEvent) -> str | None:
        if event.causationid is None:
            return self.under.get(event.id)
        return traceparent(event.causationid, event.traceparent)


def _ids(event: CloudEvent) -> dict[str, tracing.Value]:
    about = "pmid" if event.ROUTING_KEY.startswith("article.") else "subject"
    topic = getattr(getattr(event, "data", None), "topic", None)
    return {"event_id": event.id, about: event.subject, "topic": topic}


@contextmanager
def told_when_committed(engine: AsyncEngine) -> Iterator[None]:
    """In this block, what this engine's transactions have put into an outbox is told of."""

    def undone(connection: sa.Connection) -> None:
        connection.info.pop(_TO_TELL, None)

    def returned(_connection: object, record: sa.pool.ConnectionPoolEntry) -> None:
        for told in record.info.pop(_TO_TELL, ()):
            told.tell()

    listened = ((engine.sync_engine, "rollback", undone), (engine.sync_engine, "checkin", returned))
    for target, name, heard in listened:
        sa.event.listen(target, name, heard)
    try:
        yield
    finally:
        for target, name, heard in listened:
            sa.event.remove(target, name, heard)
