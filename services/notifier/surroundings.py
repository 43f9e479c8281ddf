"""What one pass has read of topics as a whole, once for all subscribers whose turn it is."""

from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import census
from services.notifier.novelty import Sightings
from services.notifier.trend import Counts
from shared.events import Classified


@dataclass(frozen=True)
class Surroundings:
    """Readings by topic; make a new one for each pass."""

    _counts: dict[tuple[str, str], Counts] = field(default_factory=dict)
    _sightings: dict[str, Sightings] = field(default_factory=dict)

    _entered: dict[tuple[str, date], list[tuple[datetime, Classified]]] = field(
        default_factory=dict
    )

    async def entered(
        self, connection: AsyncConnection, topic: str, since: datetime
    ) -> list[tuple[datetime, Classified]]:
        """What PubMed took in since that day, as `census.entered` has it."""
        key = (topic, since.date())
        if key not in self._entered:
            self._entered[key] = await census.entered(connection, topic, since)
        return self._entered[key]

    async def counts(self, connection: AsyncConnection, topic: str, since: str) -> Counts:
        """Articles by month and approach, as `census.by_month` has them."""
        key = (topic, since)
        if key not in self._counts:
            self._counts[key] = await census.by_month(connection, topic, since)
        return self._counts[key]

    async def sightings(self, connection: AsyncConnection, topic: str) -> Sightings:
        """What the topic knows, as `census.sightings` has it."""
        if topic not in self._sightings:
            self._sightings[topic] = await census.sightings(connection, topic)
        return self._sightings[topic]
