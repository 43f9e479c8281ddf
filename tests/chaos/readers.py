"""Who subscribed to what, and what becomes of them: invented readers, the same for a seed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any

from tests.chaos.papers import DAY_ZERO, WORD

START = datetime.combine(DAY_ZERO, time(4), UTC)
"""Before the first poll."""

_ZONES = (
    "UTC", "Europe/Belgrade", "America/New_York", "Asia/Kolkata", "Pacific/Auckland",
    "Pacific/Kiritimati", "America/Los_Angeles",
)  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FILTERS: tuple[dict[str, Any], ...] = (
    {},
    {"modality": ["caar-t", "car-treg", "car-nk"]},
    {"scope": ["core", "adjacent", "unclear", "none", "oncology"]},
    {"words": [WORD]},
    {"muted_journals": ["Simulated Rheumatology"]},
    {"modality": ["cd19-car-t"], "journals": ["Example Neurology"]},
)


@dataclass(frozen=True)
class Reader:
    """One subscription and its fate, by days counted from the catalogue's day zero.

    `paused` is from one day up to another; `leaves` is the day of one click on the way out.
    """

    id: str
    topic: str
    address: str
    wish: Mapping[str, Any] = field(default_factory=dict)
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    since: int = 0
    is_confirmed: bool = True
    is_suppressed: bool = False
    paused: tuple[int, int] | None = None
    leaves: int | None = None

    @property
    def is_written_to(self) -> bool:
        """Whether it is ever sent anything."""
        return self.is_confirmed and not self.is_suppressed

    @property
    def stays(self) -> bool:
        """Whether it is written to up to the end."""
        return self.is_written_to and self.leaves is None


def enrol(seed: int, subscriptions: int, topics: Sequence[str], days: int) -> tuple[Reader, ...]:
    """Invent readers; a person in four has two subscriptions, to two topics."""
    random = Random(f"readers {seed}")  # noqa: S311  to be repeated
    found: list[Reader] = []
    while len(found) < subscriptions:
        address = f"person{len(found):04d}@example.org"
        wanted = 2 if random.random() < 0.25 and len(topics) > 1 else 1
        is_suppressed = len(found) % 25 == 7
        for topic in random.sample(topics, wanted):
            found.append(_one(random, len(found), topic, address, is_suppressed, days))
    return tuple(found[:subscriptions])


def _one(
    random: Random, number: int, topic: str, address: str, is_suppressed: bool, days: int
) -> Reader:
    wish = {
        "cadence": random.choices(("daily", "immediate", "weekly", "monthly"), (56, 18, 18, 8))[0],
        "weekday": random.choice(_DAYS),
        "day": random.choice((1, 15, 31)),
        "hour": random.randrange(24),
        "time_zone": random.choice(_ZONES),
        "notices": random.choice(("next", "next", "at-once")),
        "preprints": random.choice(("once", "once", "once", "both")),
        "background": random.random() < 0.06,
        "max_items": 200,
    }
    fate = number % 20
    first = random.randrange(1, max(2, days // 2))
    return Reader(
        id=f"s{number:04d}",
        topic=topic,
        address=address,
        wish=wish,
        filters=random.choice((_FILTERS[0], _FILTERS[0], *_FILTERS)),
        since=first if fate in {3, 13} else 0,
        is_confirmed=fate != 5,
        is_suppressed=is_suppressed,
        paused=(first, first + max(2, days // 4)) if fate in {9, 16} else None,
        leaves=first + 2 if fate == 11 else None,
    )


def file_of(readers: Iterable[Reader]) -> str:
    """The subscriptions file that lists them."""
    return "\n".join(map(_entry, readers))


def _entry(reader: Reader) -> str:
    since = START + timedelta(days=reader.since)
    lines = {
        "id": reader.id,
        "topic": reader.topic,
        "channel": "email",
        "address": reader.address,
        "confirmed": reader.is_confirmed,
        **reader.wish,
    }
    told = [f"{name} = {json.dumps(value)}" for name, value in lines.items()]
    told.append(f"since = {since.isoformat()}")
    filters = [f"{name} = {json.dumps(list(value))}" for name, value in reader.filters.items()]
    if filters:
        told += ["[subscription.filters]", *filters]
    return "\n".join(["[[subscription]]", *told, ""])
