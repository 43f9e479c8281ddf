"""Where each relation of a topic stands: complete up to when, open since when, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from services.console.stores import Stores
from services.notifier import tables as notifier
from services.notifier.health import Drift, drifts, relation
from services.notifier.store import last_poll
from services.poller.legs import Cursor, leg_key
from services.poller.store import read_cursors
from shared.database import transaction
from shared.events import Leg, Poll

DRIFT_SHOWN = timedelta(days=7)
"""How long a change in PubMed's reading of a query is shown."""


@dataclass(frozen=True)
class Standing:
    """One relation after the last poll.

    `complete_to` is the start of the last poll that left nothing of it open; None when none did.
    """

    leg: Leg
    complete_to: datetime | None


@dataclass(frozen=True)
class Relations:
    """All relations of a topic, and how PubMed's reading of its queries has changed lately."""

    standings: tuple[Standing, ...] = ()
    changes: tuple[Drift, ...] = ()

    @property
    def alarms(self) -> tuple[Leg, ...]:
        """Those that have been open for longer than the topic allows."""
        return tuple(one.leg for one in self.standings if one.leg.alarm)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What PubMed remarked on queries in the last poll, each once."""
        legs = (one.leg for one in self.standings)
        said = (f"{relation(leg)}: {text}" for leg in legs for text in leg.warnings)
        return tuple(dict.fromkeys(said))


async def take_relations(stores: Stores, topic: str, now: datetime) -> Relations:
    """Read where the relations of one topic stand.

    Raises:
        Retryable: a database is away.
    """
    async with transaction(stores.poller) as connection:
        cursors = await read_cursors(connection, topic)
    async with transaction(stores.notifier) as connection:
        rows = await connection.scalars(
            sa.select(notifier.polls.c.poll)
            .where(notifier.polls.c.topic == topic, notifier.polls.c.finished_at <= now)
            .where(notifier.polls.c.finished_at > now - DRIFT_SHOWN)
            .order_by(notifier.polls.c.finished_at, notifier.polls.c.poll_id)
        )
        changes = drifts(Poll.model_validate(row) for row in rows)
        last = await last_poll(connection, topic, now)
    legs = last.legs if last else ()
    return Relations(tuple(_standing(leg, cursors) for leg in legs), changes)


def _standing(leg: Leg, cursors: Mapping[str, Cursor]) -> Standing:
    cursor = cursors.get(leg_key(leg.relation, leg.name))
    # One without a definition was asked and never complete (`legs.begun`).
    return Standing(leg, cursor.moved_to if cursor and cursor.definition else None)
