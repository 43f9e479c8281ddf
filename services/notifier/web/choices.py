"""What the form of a subscription offers: topics, labels that occur, zones."""

import functools
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.item import MODALITIES
from services.notifier.schedule import WEEKDAYS
from services.notifier.tables import labels
from services.notifier.web.house import House
from services.notifier.web.topics import last_polls
from services.notifier.wording import SCOPES
from shared.database import transaction

MOST = 60
"""Labels of one facet that are offered, the most frequent ones."""

CADENCES = {
    "immediate": "As soon as something is new",
    "daily": "Every day",
    "weekly": "Every week",
    "monthly": "Every month",
}
CHANNEL_NAMES = {
    "email": "E-mail",
    "slack": "Slack (an incoming webhook)",
    "webhook": "A webhook of your own (signed messages)",
    "apprise": "Another service, by Apprise",
}


@dataclass(frozen=True)
class Choices:
    """What can be chosen: `titles` are (id, title) of topics, `facets` (id, name) of labels."""

    titles: tuple[tuple[str, str], ...]
    facets: Mapping[str, tuple[tuple[str, str], ...]]
    schemes: tuple[str, ...]
    zones: tuple[str, ...]
    channels: Mapping[str, str]
    cadences: Mapping[str, str] = field(default_factory=lambda: CADENCES)
    hours: tuple[tuple[str, str], ...] = tuple((str(at), f"{at:02}:00") for at in range(24))
    weekdays: tuple[tuple[str, str], ...] = tuple((day, day.capitalize()) for day in WEEKDAYS)

    @property
    def names(self) -> dict[str, str]:
        """What labels are called, by their ids."""
        return {one: name for offered in self.facets.values() for one, name in offered}

    def title(self, topic: str) -> str:
        """What a topic is called."""
        return dict(self.titles).get(topic, topic)


async def choices(house: House) -> Choices:
    """What this house offers now.

    Raises:
        Retryable: the database is away.
    """
    async with transaction(house.engine) as connection:
        titles = tuple((poll.topic, poll.topic_title) for poll in await last_polls(connection))
        occurring = await _labels(connection)
    schemes = tuple(sorted(house.doors.apprise_schemes))
    channels = {k: v for k, v in CHANNEL_NAMES.items() if k != "apprise" or schemes}
    fixed = {"modality": MODALITIES, "scope": tuple(SCOPES.items())}
    return Choices(titles, {**occurring, **fixed}, schemes, zones(), channels)


async def _labels(connection: AsyncConnection) -> dict[str, tuple[tuple[str, str], ...]]:
    counted = sa.func.count().label("number")
    rows = await connection.execute(
        sa.select(labels.c.facet, labels.c.label, sa.func.min(labels.c.name).label("name"), counted)
        .where(labels.c.facet.in_(("disease", "target", "evidence")))
        .group_by(labels.c.facet, labels.c.label)
        .order_by(counted.desc(), labels.c.label)
    )
    found: dict[str, list[tuple[str, str]]] = {"disease": [], "target": [], "evidence": []}
    for row in rows:
        if len(found[row.facet]) < MOST:
            found[row.facet].append((row.label, row.name))
    by_name = {facet: sorted(some, key=lambda one: one[1].lower()) for facet, some in found.items()}
    return {facet: tuple(some) for facet, some in by_name.items()}


@functools.cache
def zones() -> tuple[str, ...]:
    """The time zones that people name: a region and a city, and UTC."""
    known = zoneinfo.available_timezones()
    regions = ("Africa/", "America/", "Antarctica/", "Arctic/", "Asia/", "Atlantic/", "Australia/",
               "Europe/", "Indian/", "Pacific/")  # fmt: skip
    return ("UTC", *sorted(zone for zone in known if zone.startswith(regions)))
