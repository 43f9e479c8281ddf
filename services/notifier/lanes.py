"""Many digests on their way at once: a lane for each channel, so that none waits for another's.

A lane claims no more than it can hand over soon. Nothing in flight is ever broken off because
something else failed.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from time import monotonic

import structlog

from services.notifier import claims
from services.notifier.claims import Waiting
from services.notifier.delivery import Way, hand_over
from services.notifier.office import Desk
from services.notifier.parcels import Parcel, claimed
from services.notifier.recorder import Recorder, writers
from shared.database import transaction

log = structlog.get_logger(__name__)

FLIGHTS = 4
"""Digests in flight at once in a lane without a sender: each says that there is none."""

CLAIMED = 16
"""Digests claimed in one transaction: what a notifier that dies holds waits for its lease."""

PASS_SECONDS = 15.0
"""A lane claims nothing more after so long: other digests have become due meanwhile."""


async def deliver_waiting(desk: Desk) -> int:
    """Send what waits; the number of digests sent by this call.

    Raises:
        Retryable: the database is away. What was in flight has been brought to its end.
    """
    async with transaction(desk.engine) as connection:
        found = await claims.waiting(connection, desk.office.patience.turn())
    return await deliver_these(desk, found)


async def deliver_these(desk: Desk, found: Sequence[Waiting]) -> int:
    """Send those of these digests that nobody else has; raises as `deliver_waiting`."""
    lanes: dict[str, list[str]] = defaultdict(list)
    for one in found:
        lanes[one.channel].append(one.digest_id)
    recorder = Recorder(desk.engine, desk.clock, writers=writers(desk.engine))
    running = [_Lane(desk, recorder, _flights(desk, name)).run(ids) for name, ids in lanes.items()]
    return sum(_raised(await asyncio.gather(*running, return_exceptions=True)))


def _flights(desk: Desk, channel: str) -> int:
    sender = desk.office.senders.get(channel)
    return sender.flights if sender else FLIGHTS


def _raised(results: Sequence[int | BaseException]) -> list[int]:
    """The results; what went wrong first is raised, after all have ended."""
    for one in results:
        if isinstance(one, BaseException):
            raise one
    return [one for one in results if isinstance(one, int)]


class _Lane:
    """So many hand-overs at once, and as many more that are recorded; fed by claims of a few."""

    def __init__(self, desk: Desk, recorder: Recorder, flights: int) -> None:
        self._desk, self._flights = desk, flights
        self._way = Way(asyncio.Semaphore(flights), recorder)
        self._parcels: asyncio.Queue[Parcel | None] = asyncio.Queue(CLAIMED // 2)
        self._is_broken = False

    async def run(self, ids: Sequence[str]) -> int:
        workers = [self._work() for _ in range(min(2 * self._flights, len(ids)))]
        results = await asyncio.gather(
            self._claim(ids, len(workers)), *workers, return_exceptions=True
        )
        return sum(_raised(results))

    async def _claim(self, ids: Sequence[str], workers: int) -> int:
        ends = monotonic() + PASS_SECONDS
        try:
            for chunk in _chunks(ids, CLAIMED):
                if self._is_broken or monotonic() > ends:
                    break
                async with self._way.recorder.writers:
                    taken = await claimed(self._desk, chunk)
                for parcel in taken:
                    await self._parcels.put(parcel)
        except BaseException:
            self._is_broken = True
            raise
        finally:
            for _ in range(workers):
                await self._parcels.put(None)
        return 0

    async def _work(self) -> int:
        sent = 0
        fault: BaseException | None = None
        while (parcel := await self._parcels.get()) is not None:
            if self._is_broken:  # the database is away: what is claimed waits for its lease
                continue
            try:
                sent += await hand_over(self._desk, parcel, self._way)
            except BaseException as error:  # noqa: BLE001  raised when all in flight have ended
                self._is_broken, fault = True, error
        if fault is not None:
            raise fault
        return sent


def _chunks(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
