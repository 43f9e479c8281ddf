"""Leads the run: brings the line up, steps the clock through the days, lets readers act.

The pace is the line's own: a step is over when nothing more is to be done at that instant, or
after some seconds all the same, as a clock waits for nobody.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import httpx
import sqlalchemy as sa

from services.classifier import tables as classifier
from services.notifier import changes, plan, suppression
from services.notifier import tables as notifier
from services.notifier.recipient import recipient
from services.notifier.tables import digests
from services.poller.tables import polls
from shared.database import transaction
from shared.errors import CarillonError
from tests.chaos.readers import START, Reader
from tests.chaos.stage import Stage

HOURS = (START.hour, 11, 20)
"""UTC, on each day: the first is when PubMed is polled."""
SETTLING = (1, 2, 5, 20, 50, 93)
"""Days after the last one: the monthly have their turn in each month, and all is read again."""
POLLED_WITHIN = 90.0
QUIET_WITHIN = 20.0
"""Seconds for a step; what is not done by then is done at the next."""
PAUSE_SECONDS = 0.7
ANSWER_WITHIN = 15.0
"""Seconds for an answer of the database, which may be frozen."""
SETTLED_WITHIN = 240.0
"""Seconds without any progress in a step of the quiet end, when nothing hinders any more."""

Say = Callable[[str], None]


@dataclass
class Played:
    """How the run went. What inboxes held is noted while they hold it: they forget in time."""

    clock: list[tuple[float, datetime]] = field(default_factory=list)
    left: dict[str, float] = field(default_factory=dict)
    classified: set[str] = field(default_factory=set)
    noticed: dict[str, datetime] = field(default_factory=dict)
    impatient: int = 0


@dataclass
class Conductor:
    """Plays the days on a stage."""

    stage: Stage
    say: Say
    played: Played = field(default_factory=Played)

    async def open(self) -> None:
        """The first instant, and on record who is never written to, before anything is sent."""
        self.show(START)
        async with transaction(self.stage.engine) as connection:
            for reader in self.stage.plan.readers:
                if reader.is_suppressed:
                    who = recipient("email", reader.address)
                    await suppression.suppress(connection, who, "operator", START)

    async def day(self, number: int) -> None:
        """One day in its steps."""
        for hour in HOURS:
            instant = _at(number, hour)
            self.show(instant)
            if hour == HOURS[0]:
                await self._until(lambda n=number: self._act(n), POLLED_WITHIN)  # type: ignore[misc]
                await self._until(lambda at=instant: self._is_polled(at), POLLED_WITHIN)  # type: ignore[misc]
            await self._until(lambda at=instant: self._is_quiet(at), QUIET_WITHIN)  # type: ignore[misc]
        await self._until(self._note_inboxes, POLLED_WITHIN)

    async def settle(self) -> None:
        """The quiet end: nothing hinders any more, and everything comes to rest."""
        last = self.stage.plan.days - 1
        for later in SETTLING:
            instant = _at(last + later, HOURS[0])
            self.show(instant)
            await self._settled(lambda at=instant: self._is_polled(at))  # type: ignore[misc]
            await self._settled(lambda at=instant: self._is_quiet(at))  # type: ignore[misc]
            await self._until(self._note_inboxes, SETTLED_WITHIN)
            self.say(f"settled to day {last + later}")

    def show(self, instant: datetime) -> None:
        """Step the clock of all services."""
        part = self.stage.clock.with_suffix(".part")
        part.write_text(instant.isoformat(), encoding="ascii")
        part.replace(self.stage.clock)
        self.played.clock.append((time.time(), instant))

    async def _until(self, condition: Callable[[], Awaitable[bool]], seconds: float) -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            with suppress(CarillonError, OSError, sa.exc.SQLAlchemyError):
                if await asyncio.wait_for(condition(), ANSWER_WITHIN):
                    return
            await asyncio.sleep(PAUSE_SECONDS)
        self.played.impatient += 1

    async def _settled(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Until it is so, or nothing moves any more: a slow computer has lost no paper."""
        before = None
        while True:
            impatient = self.played.impatient
            await self._until(condition, SETTLED_WITHIN)
            if self.played.impatient == impatient:
                return
            now = await self._moved()
            if now == before:
                return
            self.played.impatient, before = impatient, now

    async def _moved(self) -> tuple[int, ...]:
        """Numbers that change as long as anything is done."""
        async with transaction(self.stage.engine) as connection:
            counts = [
                await connection.scalar(sa.select(sa.func.count()).select_from(table))
                for table in (polls, digests, classifier.inbox, notifier.inbox, notifier.items)
            ]
        return tuple(count or 0 for count in counts)

    async def _is_polled(self, at: datetime) -> bool:
        """Whether every topic had a poll since then that closed all its relations."""
        async with transaction(self.stage.engine) as connection:
            query = sa.select(sa.func.count(sa.distinct(polls.c.topic)))
            done = await connection.scalar(query.where(polls.c.started_at >= at))
        return done == len(self.stage.plan.library.seeds)

    async def _is_quiet(self, at: datetime) -> bool:
        """Whether nothing is on its way, no digest is due and none waits to be sent."""
        if await self.stage.on_their_way():
            return False
        if await plan.due(self.stage.engine, at):
            return False
        async with transaction(self.stage.engine) as connection:
            query = sa.select(sa.func.count()).select_from(digests)
            return not await connection.scalar(query.where(digests.c.state == "intent"))

    async def _note_inboxes(self) -> bool:
        async with transaction(self.stage.engine) as connection:
            inbox = classifier.inbox.c
            self.played.classified |= set(await connection.scalars(sa.select(inbox.event_id)))
            table = notifier.inbox.c
            rows = await connection.execute(sa.select(table.event_id, table.received_at))
            self.played.noticed |= {row.event_id: row.received_at for row in rows}
        return True

    async def _act(self, number: int) -> bool:
        for reader in self.stage.plan.readers:
            if reader.paused and reader.paused[0] == number:
                await self._pause(reader, reader.paused[1])
            if reader.leaves is not None and reader.leaves <= number:
                await self._leave(reader)
        return True

    async def _pause(self, reader: Reader, until: int) -> None:
        async with transaction(self.stage.engine) as connection:
            end = START + timedelta(days=until)
            await changes.pause(connection, reader.id, end, _at(reader.paused[0], 4))  # type: ignore[index]

    async def _leave(self, reader: Reader) -> None:
        """By the link in a mail, as a mail program does; tried again on the next day."""
        if reader.id in self.played.left:
            return
        link = await self.stage.way_out(reader)
        if link is None:
            return
        parts = urlsplit(link)
        url = f"http://127.0.0.1:{self.stage.web_port}{parts.path}?{parts.query}"
        async with httpx.AsyncClient() as http:
            with suppress(httpx.HTTPError):
                answer = await http.post(url, data={"List-Unsubscribe": "One-Click"})
                if answer.status_code == 200:
                    self.played.left[reader.id] = time.time()


def _at(day: int, hour: int) -> datetime:
    return START + timedelta(days=day, hours=hour - START.hour)
