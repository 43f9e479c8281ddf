"""Archives for tests of replays: events at positions, as `Recorded` entries."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from services.console.archive.recorded import Recorded, envelop
from shared.events import CloudEvent
from tests.builders import NOON

GARBAGE = b"not an event"


def entry(event: CloudEvent, position: int = 1, hours: float = 0) -> Recorded:
    return envelop(position, event.encode(), published_at=NOON + timedelta(hours=hours))


def garbage(position: int) -> Recorded:
    return envelop(position, GARBAGE, published_at=NOON)


def marked(event: CloudEvent, position: int, replay_id: str) -> Recorded:
    body = event.encode()[:-1] + f',"replayid":"{replay_id}","replayhop":1}}'.encode()
    return envelop(position, body, published_at=NOON)


@dataclass
class Archive:
    """Holds its entries, and counts how often it was read."""

    entries: Sequence[Recorded]
    readings: int = field(default=0)

    async def __call__(self) -> AsyncIterator[Recorded]:
        self.readings += 1
        for one in list(self.entries):
            yield one
