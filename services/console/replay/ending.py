"""The end of a replay: what came of it put down, and told once."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.console.parked.record import SOURCE
from services.console.replay import journal, sending
from services.console.replay.carrier import Carrier
from services.console.replay.journal import Standing
from services.console.replay.outcomes import Outcomes
from services.console.replay.sending import Counts
from services.console.replay.tables import replay_events
from shared.database import transaction
from shared.events import Replay, ReplayEnd, ReplayFinished, event_id, traceparent
from shared.outbox import Outgoing
from shared.replayed import Result

_SETTLED: tuple[Result, ...] = ("processed", "deduplicated", "skipped")


async def end(
    engine: AsyncEngine,
    held: tuple[str, str],
    outcomes: Outcomes,
    state: ReplayEnd,
    now: datetime,
) -> None:
    """Put down how a replay ended and what came of it; `held` is the replay and its holder.

    Of what was sent only what failed or is open is kept by event. One that somebody cancelled up to
    this moment is cancelled: nobody is sent what it would have brought.

    Raises:
        Lost: it has another holder.
        Retryable: the database is away.
    """
    replay_id, holder = held
    made = await outcomes.settle(replay_id)
    async with transaction(engine) as connection:
        if await journal.keep(connection, replay_id, holder, now) == "cancelled":
            state = "cancelled"
        found = await _counted(connection, replay_id, {}, made)
        await journal.leave(
            connection, replay_id, holder, state=state, finished_at=now, outcomes=found
        )


async def refresh(engine: AsyncEngine, found: Standing, outcomes: Outcomes) -> None:
    """Put down what became, since a replay ended, of what was open or had failed then.

    Raises:
        Retryable: the database is away.
    """
    replay_id = found.order.replay_id
    made = await outcomes.settle(replay_id)
    async with transaction(engine) as connection:
        now = await journal.standing(connection, replay_id, lock=True)
        counted = await _counted(connection, replay_id, now.outcomes if now else {}, made)
        await journal.put_outcomes(connection, replay_id, counted)


async def _counted(
    connection: AsyncConnection, replay_id: str, before: Counts, made: dict[str, int]
) -> Counts:
    """What was counted before, and what is known by now of the rest, of which that goes."""
    rest = await sending.tally(connection, replay_id)
    await connection.execute(
        replay_events.delete().where(
            replay_events.c.replay_id == replay_id, replay_events.c.outcome.in_(_SETTLED)
        )
    )
    found = merged(before, rest)
    if made:
        found[sending.MADE] = made
    return found


def merged(before: Counts, rest: Counts) -> Counts:
    """Counts of what had an outcome before, and those of what had none or had failed."""
    found: Counts = {}
    for consumer in sorted((before.keys() | rest.keys()) - {sending.MADE}):
        old, new = before.get(consumer, {}), rest.get(consumer, {})
        sums: dict[str, int] = {name: old.get(name, 0) + new.get(name, 0) for name in _SETTLED}
        left: dict[str, int] = {name: new.get(name, 0) for name in ("failed", "open")}
        counts = {"sent": old.get("sent") or new.get("sent", 0), **sums, **left}
        found[consumer] = {name: count for name, count in counts.items() if count}
    return found


async def tell(engine: AsyncEngine, found: Standing, carrier: Carrier) -> None:
    """Publish the audit event of a replay that has ended, unless it was; its id is always the same.

    Raises:
        Away: the broker is away; it is told when the replay is resumed.
    """
    if found.told or found.finished_at is None:
        return
    event = finished(found)
    await carrier.tell(Outgoing(event.id, event.type, event.ROUTING_KEY, event.encode()))
    async with transaction(engine) as connection:
        await journal.told(connection, found.order.replay_id)


def finished(found: Standing) -> ReplayFinished:
    """The audit event of a replay that has ended; the same bytes whoever makes it."""
    order = found.order
    at = found.finished_at
    if at is None or found.state not in ("finished", "cancelled"):
        raise ValueError(f"the replay {order.replay_id} has not ended")
    identity = event_id(SOURCE, ReplayFinished.ROUTING_KEY, order.replay_id)
    return ReplayFinished(
        id=identity,
        source=SOURCE,
        subject=order.replay_id,
        time=at,
        traceparent=traceparent(identity),
        data=Replay(
            replay_id=order.replay_id,
            target=order.target,
            selection=str(order.selection),
            by=order.by,
            because=order.because,
            forced=order.forced,
            to=order.to,
            started_at=order.started_at,
            finished_at=at,
            state=found.state,
            chosen=found.chosen,
            sent=found.sent,
            processed=found.count("processed"),
            deduplicated=found.count("deduplicated"),
            skipped=found.count("skipped"),
            failed=found.count("failed"),
        ),
    )
