"""A replay as it was asked for: all that is needed to go on with it another day."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

from services.console.archive.recorded import Recorded
from services.console.replay.routes import Routes, routes
from services.console.replay.selection import Selection
from services.console.replay.sending import Sending
from shared.events import traceparent
from shared.marks import Marks, attributes


@dataclass(frozen=True)
class Order:
    """What is replayed, where to, who wants it and why.

    `target` is `routes.BROKER` or a consumer's name. `source` is the archive in words; of a
    recorded file `file` is where it is and `checksum` which one. `end` is the archive's last
    position when it began. `rate` is in events a second, `speed` in times as fast as it was.
    """

    replay_id: str
    target: str
    selection: Selection
    source: str
    by: str
    started_at: datetime
    end: int
    because: str = ""
    file: str | None = None
    checksum: str | None = None
    forced: bool = False
    to: tuple[str, ...] = ()
    rate: float | None = None
    speed: float | None = None

    def routes(self) -> Routes:
        """Where its events go."""
        return routes(self.target, self.selection.types, forced=self.forced)

    def sending(self, entry: Recorded, consumer: str) -> Sending:
        """An event on its way to a consumer. Raises as `marked`."""
        body = self.marked(entry)
        hashed = hashlib.sha256(body).hexdigest()[:16]
        return Sending(consumer, entry.event_id, entry.type, body, hashed)

    def marked(self, entry: Recorded) -> bytes:
        """The body of an event as it is sent: today's version of it, with this replay's marks.

        Id and time stay the original's. Its trace stays behind: what is done now is no part of
        what was done then. Events of one id are one trace within a replay.

        Raises:
            Undecodable: as `Recorded.today`.
        """
        event: dict[str, Any] = from_json(entry.today().body)
        marks = attributes(Marks(self.replay_id, 1, self.forced, self.to))
        kept = {name: value for name, value in event.items() if not name.startswith("replay")}
        kept.pop("tracestate", None)
        trace = traceparent(f"{self.replay_id} {entry.event_id}")
        return to_json({**kept, "traceparent": trace, **marks})


_ADAPTER: TypeAdapter[Order] = TypeAdapter(Order)


def dumped(order: Order) -> dict[str, Any]:
    """As JSON, the same for the same order."""
    found: dict[str, Any] = _ADAPTER.dump_python(order, mode="json")
    asked = found["selection"]
    found["selection"] = {
        name: sorted(value) if isinstance(value, list) else value for name, value in asked.items()
    }
    return found


def loaded(content: dict[str, Any]) -> Order:
    """The order of that JSON."""
    return _ADAPTER.validate_python(content)
