"""Leads the simulated year: moves the clock, kills the poller, starts it again."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import httpx

from services.ncbi_sim.generate import DAY_ZERO
from shared.database import make_engine
from shared.migrate import upgrade
from tests.bench.year_plan import ROOT, Death, Year
from tests.bench.year_poller import CLOCK, FATE, SETUP
from tests.bench.year_standin import STANDIN

HOUR = time(5, tzinfo=UTC)
NUDGE = timedelta(minutes=6)
"""What could not be checked is due again after five minutes."""
NUDGES = 3
"""So often it is tried again on a day; then the day is given up, as in a long outage."""
SETTLING = (1, 2, 3, 31, 32, 33, 61, 62)
"""Days after the last one on which a PubMed in good health is polled."""
WITHIN = 120.0
"""Seconds for what takes two; longer is a hang."""


@dataclass
class Played:
    """How the year went."""

    requests: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    retried: int = 0
    given_up: int = 0


class Poller:
    """The poller's process, in one life after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: Process | None = None

    async def idle(self, instant: datetime) -> bool | None:
        """Wait until nothing is left to do at an instant: whether it was healthy; None if dead."""
        process = self._process or await self._start()
        assert process.stdout is not None
        while line := await asyncio.wait_for(process.stdout.readline(), WITHIN):
            shown, healthy = line.decode().split()
            if datetime.fromisoformat(shown) == instant:
                return healthy == "True"
        await self._buried(process)
        return None

    async def kill(self) -> bool:
        """Kill it; whether it lived."""
        if self._process is None:
            return False
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
        await self._buried(self._process)
        return True

    async def _start(self) -> Process:
        with (self._folder / "poller.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.bench.year_poller", str(self._folder),
                cwd=ROOT, stdout=PIPE, stderr=log,
            )  # fmt: skip
        return self._process

    async def _buried(self, process: Process) -> None:
        code = await asyncio.wait_for(process.wait(), WITHIN)
        self._process = None
        if code != -signal.SIGKILL:
            last = (self._folder / "poller.log").read_text(encoding="utf-8")[-3_000:]
            raise AssertionError(f"the poller ended by itself with code {code}: {last}")


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[str]:
    """The stand-in while the block runs; gives its URL."""
    with (folder / "standin.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.year_standin", str(folder),
            cwd=ROOT, stdout=PIPE, stderr=log,
        )  # fmt: skip
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), WITHIN)
        yield line.decode().strip()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@dataclass
class Conductor:
    """Plays a year day by day."""

    year: Year
    poller: Poller
    played: Played = field(default_factory=Played)
    due: list[Death] = field(default_factory=list)
    away_until: int = 0

    async def day(self, number: int, deaths: Iterable[Death] = ()) -> None:
        """One day with its deaths; what was not healthy is tried again a few times."""
        self.due += deaths
        if number < self.away_until or await self._goes_away(number):
            return
        instant = datetime.combine(DAY_ZERO, HOUR) + timedelta(days=number)
        while self.due:
            await self._dies(instant, self.due.pop(0))
            instant += timedelta(hours=2)
        for _ in range(NUDGES):
            if await self._polled(instant):
                return
            self.played.retried += 1
            instant += NUDGE
        if not await self._polled(instant):
            self.played.given_up += 1

    async def _goes_away(self, number: int) -> bool:
        """Die at rest and stay away for days; what else was to happen today happens later."""
        leaving = next((death for death in self.due if death.moment == "away"), None)
        if leaving is None or not await self.poller.kill():
            return False
        self.due.remove(leaving)
        self.away_until = number + leaving.number
        self.played.kills["away"] += 1
        return True

    async def _polled(self, instant: datetime) -> bool:
        self._show(instant)
        healthy = await self.poller.idle(instant)
        if healthy is None:
            raise AssertionError(f"the poller died at {instant} though nobody killed it")
        return healthy

    async def _dies(self, instant: datetime, death: Death) -> None:
        (self.year.folder / FATE).write_text(f"{death.moment} {death.number}", encoding="ascii")
        self._show(instant)
        limit = death.number / 1_000 if death.moment == "timer" else WITHIN
        await self._until_dead(instant, limit)
        # Whoever has met no such moment by now dies at rest.
        await self.poller.kill()
        (self.year.folder / FATE).unlink()
        self.played.kills[death.moment] += 1

    async def _until_dead(self, instant: datetime, seconds: float) -> None:
        waiting = asyncio.create_task(self.poller.idle(instant))
        await asyncio.wait([waiting], timeout=seconds)
        waiting.cancel()
        for fault in await asyncio.gather(waiting, return_exceptions=True):
            if isinstance(fault, Exception):
                raise fault

    def _show(self, instant: datetime) -> None:
        part = self.year.folder / f"{CLOCK}.part"
        part.write_text(instant.isoformat(), encoding="ascii")
        part.replace(self.year.folder / CLOCK)


async def play(year: Year) -> Played:
    """Play the year and let it settle; the poller's store and events are in the year's folder."""
    await _prepare(year)
    poller = Poller(year.folder)
    conductor = Conductor(year, poller)
    async with served(year.folder) as url:
        _write(year.folder / SETUP, _setup(year, url))
        try:
            await _days(conductor, url)
        finally:
            await poller.kill()
    return conductor.played


async def _days(conductor: Conductor, url: str) -> None:
    deaths = conductor.year.deaths()
    for number in range(conductor.year.world.days):
        await conductor.day(number, deaths.get(number, ()))
    await _heal(conductor, url)
    last = conductor.year.world.days - 1
    for later in SETTLING:
        await conductor.day(max(last, conductor.away_until) + later)


async def _heal(conductor: Conductor, url: str) -> None:
    control = url.replace("/entrez/eutils/", "/_sim/")
    async with httpx.AsyncClient() as http:
        conductor.played.requests.update((await http.get(f"{control}requests")).json())
        conductor.played.faults.update((await http.get(f"{control}faults")).json()["fired"])
        (await http.delete(f"{control}faults")).raise_for_status()


async def _prepare(year: Year) -> None:
    year.folder.mkdir(parents=True, exist_ok=True)
    _write(year.folder / STANDIN, vars(year.world))
    engine = make_engine(year.database_url)
    await upgrade(engine, "poller")
    await engine.dispose()


def _setup(year: Year, url: str) -> dict[str, object]:
    topic = year.topic.model_dump(mode="json")
    return {"database_url": year.database_url, "eutils_url": url, "topic": topic}


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
