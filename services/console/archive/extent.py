"""What an archive holds: from when to when, how many of each type and day, how much."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date, datetime

from services.console.archive.recorded import Recorded, key_of
from services.console.archive.upcast import KNOWN, UPCASTERS


@dataclass
class Extent:
    """Counted while reading. `size` is bytes of events; `unknown` are entries that are none."""

    entries: int = 0
    size: int = 0
    unknown: int = 0
    replayed: int = 0
    first: datetime | None = None
    last: datetime | None = None
    by_type: Counter[str] = field(default_factory=Counter)
    by_day: Counter[date] = field(default_factory=Counter)

    def add(self, entry: Recorded) -> None:
        """Count one entry; its day is in UTC."""
        at = entry.published_at
        self.entries += 1
        self.size += len(entry.body)
        self.first = min(self.first or at, at)
        self.last = max(self.last or at, at)
        self.by_day[at.date()] += 1
        if entry.type in KNOWN or entry.type in UPCASTERS:
            self.by_type[key_of(entry.type)] += 1
        else:
            self.unknown += 1
        self.replayed += entry.marks is not None


async def measure(entries: AsyncIterator[Recorded]) -> Extent:
    """The extent of what is read. Raises what reading raises."""
    extent = Extent()
    async for entry in entries:
        extent.add(entry)
    return extent
