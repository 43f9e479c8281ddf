"""How far each replay is: SQL only, in the caller's transaction.

A process that runs a replay holds it for `LEASE` at a time and says again and again that it lives.
Whoever takes over a replay of a process that died becomes its holder; should that one live after
all, its next word finds that it holds nothing, and it stops.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.replay import sending
from services.console.replay.order import Order, dumped, loaded
from services.console.replay.sending import MADE, Counts, Sending
from services.console.replay.tables import replays
from shared.errors import Retryable

LEASE = timedelta(seconds=20)

State = Literal["running", "paused", "finished", "cancelled"]
Wanted = Literal["paused", "cancelled"]


class Lost(Retryable):
    """Another process runs this replay now."""


@dataclass(frozen=True)
class Standing:
    """A replay as it stands; see `tables.replays`."""

    order: Order
    state: State
    wanted: Wanted | None
    position: int
    chosen: int
    sent: int
    repeated: int
    outcomes: Counts
    held_until: datetime | None
    finished_at: datetime | None
    told: bool

    def is_running(self, now: datetime) -> bool:
        """Whether a process is at it; one that died is taken for alive for at most `LEASE`."""
        return self.held_until is not None and self.held_until >= now

    @property
    def missing(self) -> int:
        """How many events were chosen and not sent: not yet, or the archive lost them meanwhile."""
        return self.chosen - self.sent - self.repeated

    @property
    def unsettled(self) -> int:
        """How many events failed, or have no outcome yet, also of those that were made."""
        return sum(one.get("failed", 0) + one.get("open", 0) for one in self.outcomes.values())

    def count(self, outcome: str) -> int:
        """How many of the events that it sent came to that, at all consumers together."""
        return sum(one.get(outcome, 0) for name, one in self.outcomes.items() if name != MADE)


async def begin(
    connection: AsyncConnection, order: Order, chosen: int, holder: str, now: datetime
) -> None:
    """Put a replay down, held by this process."""
    await connection.execute(
        replays.insert().values(
            id=order.replay_id,
            asked=dumped(order),
            state="running",
            position=-1,
            chosen=chosen,
            sent=0,
            repeated=0,
            holder=holder,
            held_until=now + LEASE,
            started_at=order.started_at,
            told=False,
        )
    )


async def standing(
    connection: AsyncConnection, replay_id: str, *, lock: bool = False
) -> Standing | None:
    """One replay; with `lock` its row is."""
    one = sa.select(replays).where(replays.c.id == replay_id)
    row = (await connection.execute(one.with_for_update() if lock else one)).one_or_none()
    return _read(row) if row else None


async def everything(connection: AsyncConnection) -> list[Standing]:
    """All replays, the latest first."""
    rows = await connection.execute(sa.select(replays).order_by(replays.c.started_at.desc()))
    return [_read(row) for row in rows]


async def claim(connection: AsyncConnection, replay_id: str, holder: str, now: datetime) -> bool:
    """Become the holder of a replay that has not ended and that nobody runs; whether it was so.

    A lease that ends later than any does is of a clock that was put back since. That a replay is to
    be cancelled stays asked for, whoever runs it: its process may have died before it heard so.
    """
    free = sa.or_(
        replays.c.held_until.is_(None),
        replays.c.held_until < now,
        replays.c.held_until > now + 2 * LEASE,
    )
    changed = await connection.execute(
        replays.update()
        .where(replays.c.id == replay_id, replays.c.state.in_(("running", "paused")), free)
        .values(
            holder=holder,
            held_until=now + LEASE,
            state="running",
            wanted=sa.case((replays.c.wanted == "cancelled", "cancelled"), else_=sa.null()),
        )
    )
    return changed.rowcount == 1


async def keep(
    connection: AsyncConnection, replay_id: str, holder: str, now: datetime, **more: Any
) -> Wanted | None:
    """Say that its holder lives; what an operator wants of it, if anything.

    Raises:
        Lost: it has another holder.
    """
    wanted: Sequence[sa.Row[Any]] = (
        await connection.execute(
            replays.update()
            .where(replays.c.id == replay_id, replays.c.holder == holder)
            .values(held_until=now + LEASE, **more)
            .returning(replays.c.wanted)
        )
    ).all()
    if not wanted:
        raise Lost(f"another process runs the replay {replay_id} now: this one stops")
    found: Wanted | None = wanted[0].wanted
    return found


async def ask(connection: AsyncConnection, replay_id: str, wanted: Wanted) -> None:
    """Ask whoever runs it. Nothing that is asked later takes back that it is to be cancelled."""
    asked = sa.case((replays.c.wanted == "cancelled", "cancelled"), else_=wanted)
    await connection.execute(replays.update().where(replays.c.id == replay_id).values(wanted=asked))


async def leave(connection: AsyncConnection, replay_id: str, holder: str, **more: Any) -> None:
    """Hold it no longer; nothing where somebody else does."""
    await connection.execute(
        replays.update()
        .where(replays.c.id == replay_id, replays.c.holder == holder)
        .values(holder=None, held_until=None, wanted=None, **more)
    )


async def put_outcomes(connection: AsyncConnection, replay_id: str, outcomes: Counts) -> None:
    """What came of a replay that has ended, as it is known by now."""
    await connection.execute(
        replays.update().where(replays.c.id == replay_id).values(outcomes=outcomes)
    )


async def told(connection: AsyncConnection, replay_id: str) -> None:
    """Its audit event is published."""
    await connection.execute(replays.update().where(replays.c.id == replay_id).values(told=True))


async def advance(
    connection: AsyncConnection,
    held: tuple[str, str],
    batch: tuple[Sequence[Sending], int],
    position: int,
    now: datetime,
) -> Wanted | None:
    """Put down that a batch is safe, up to that position of the archive; as `keep`.

    `held` is the replay and its holder; `batch` what was sent, and how many events in between were
    passed over as they were sent before. An event counts once, however often it was sent.
    """
    (replay_id, holder), (sent, repeated) = held, batch
    new = await sending.put_down(connection, replay_id, sent)
    repeated += len(sent) - new  # another text of an event that was sent before, such as an edit
    counted = {"sent": replays.c.sent + new, "repeated": replays.c.repeated + repeated}
    return await keep(connection, replay_id, holder, now, position=position, **counted)


def _read(row: sa.Row[Any]) -> Standing:
    return Standing(
        order=loaded(row.asked),
        state=row.state,
        wanted=row.wanted,
        position=row.position,
        chosen=row.chosen,
        sent=row.sent,
        repeated=row.repeated,
        outcomes=row.outcomes or {},
        held_until=row.held_until,
        finished_at=row.finished_at,
        told=row.told,
    )
