"""The conductor of the demo in Docker: it moves the clock, the deployed services do the rest."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from services.console.awaited import awaited
from services.console.pulse import take_pulse
from services.console.scenario import CLOCK, instants, write_clock
from services.console.stores import Stores
from services.ncbi_sim.catalogue import Catalogue
from services.poller.topic import Topic
from shared.clock import read_instant
from shared.errors import Retryable

LOOK_SECONDS = 0.5
NUDGE = timedelta(minutes=6)
"""A failed poll is tried again after five minutes, and the clock moves only if it is moved.

On the days after it is due so much later; a digest without a poll would wait for it, two hours.
"""
PATIENCE_LOOKS = 20


async def conduct(
    stores: Stores,
    folder: Path,
    catalogue: Catalogue,
    topic: Topic,
    tell: Callable[[str], None],
) -> None:
    """Step through all instants; started again, it goes on at the instant the clock shows."""
    daily = topic.model_copy(update={"poll_every_minutes": 24 * 60})
    for instant in instants(catalogue):
        if instant < _shown(folder) - NUDGE * 40:
            continue
        write_clock(folder, instant)
        await _all_done(stores, folder, daily, tell)
        tell(f"{instant:%a %d %b %H:%M}  done")
    await stores.close()


def _shown(folder: Path) -> datetime:
    clock = folder / CLOCK
    return read_instant(clock.read_text(encoding="ascii").strip(), clock)


async def _all_done(
    stores: Stores, folder: Path, topic: Topic, tell: Callable[[str], None]
) -> None:
    looks = 0
    while what := await _awaited(stores, topic, _shown(folder)):
        looks += 1
        if looks % PATIENCE_LOOKS == 0:
            tell(f"  waiting for {what}")
        await asyncio.sleep(LOOK_SECONDS)
        if what == "PubMed":
            write_clock(folder, _shown(folder) + NUDGE)


async def _awaited(stores: Stores, topic: Topic, now: datetime) -> str | None:
    try:
        return await awaited(stores, topic, now) or await _unpolled(stores, topic, now)
    except Retryable as fault:
        return str(fault)


async def _unpolled(stores: Stores, topic: Topic, now: datetime) -> str | None:
    last = (await take_pulse(stores, topic.id, now)).last_poll
    is_polled = last and last.healthy and last.finished_at.date() == now.date()
    return None if is_polled else "PubMed"
