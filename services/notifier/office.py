"""How digests leave: through which senders, as whom, how patiently, and on which database."""

from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier.claims import Turn
from services.notifier.contents import Shelf
from services.notifier.metrics import Metrics
from services.notifier.packing import Identity, Means
from services.notifier.plan import BACKGROUND
from services.notifier.rota import Rota
from services.notifier.senders import Senders
from shared.clock import Clock, system_clock

BACK_OFF = tuple(timedelta(minutes=n) for n in (1, 5, 15, 60, *(240,) * 5))
"""Waits after the first, second ... failed attempt, 21 hours in all; then it is given up."""

LONGEST_WAIT = timedelta(days=1)
"""A channel that asks to come back later than this is asked sooner all the same."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for what.

    `max_wait` is for articles on their way when a digest is due. `lease` is how long a digest
    belongs to the notifier that claimed it: twice as long as any hand-over takes. Leases and
    back-off go by `timer`, the real time, also where the days are simulated and stand still.
    `cutting` is for how long digests are cut in one pass, in seconds (one at least); then those are
    sent, and the next pass cuts on.
    """

    max_wait: timedelta = timedelta(hours=2)
    lease: timedelta = timedelta(minutes=10)
    timer: Clock = system_clock
    cutting: float = 15.0

    def turn(self) -> Turn:
        """What may be taken now."""
        return Turn(self.timer(), self.lease, LONGEST_WAIT)


@dataclass(frozen=True)
class Office:
    """How digests leave: through which senders, as whom, and how patiently.

    `background` is how many background articles one digest brings to those who want them.
    """

    senders: Senders
    identity: Identity
    patience: Patience = Patience()
    background: int = BACKGROUND
    means: Means = field(default_factory=Means)
    shelf: Shelf = field(default_factory=Shelf)
    rota: Rota = field(default_factory=Rota)
    metrics: Metrics = field(default_factory=Metrics)


@dataclass(frozen=True)
class Desk:
    """An office at work: on which database, by which clock."""

    engine: AsyncEngine
    office: Office
    clock: Clock
