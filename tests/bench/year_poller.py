"""The poller as a process that can die at any moment: `python -m tests.bench.year_poller FOLDER`.

Its parts are the deployed poller's. Its clock is a file, NCBI's seconds pass a hundred times as
fast, and instead of a broker a file takes the events. `FOLDER/fate` says when it dies.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from services.poller import store, tables
from services.poller.eutils import Access, Client, Conduct, Eutils, Patience, Timing
from services.poller.eutils.client import make_http
from services.poller.eutils.limit import Limiter
from services.poller.run import poll_due
from services.poller.topic import Topic
from shared.clock import file_clock
from shared.database import make_engine, transaction
from shared.errors import Retryable
from shared.logs import configure_logging
from shared.outbox import Outgoing, relay

CLOCK = "clock"
FATE = "fate"
EVENTS = "events.jsonl"
SETUP = "setup.json"
FASTER = 100
TIMEOUT_SECONDS = 1.5
TICK_SECONDS = 0.005


@dataclass
class Fate:
    """Kills this process before the nth moment of a kind: `commit 3`, `request 1`."""

    path: Path
    told: str = ""
    left: int = 0

    def look(self) -> None:
        """Read what is in store, unless that is known already."""
        told = self.path.read_text(encoding="ascii") if self.path.exists() else ""
        if told != self.told:
            self.told, self.left = told, int(told.split()[1]) if told else 0

    def meets(self, moment: str) -> None:
        if not self.told.startswith(f"{moment} "):
            return
        self.left -= 1
        if self.left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, http: httpx.AsyncClient) -> None:
        """Be there at every commit and request, before and after it."""
        sa.event.listen(Engine, "begin", lambda _connection: self.meets("begin"))
        sa.event.listen(Engine, "commit", lambda _connection: self.meets("commit"))

        async def request(_request: httpx.Request) -> None:
            self.meets("request")

        async def response(_response: httpx.Response) -> None:
            self.meets("response")

        http.event_hooks = {"request": [request], "response": [response]}


@dataclass(frozen=True)
class Collector:
    """Takes events over into a file, as a broker would: once they are safe on disk."""

    path: Path
    fate: Fate

    async def publish(self, batch: Sequence[Outgoing]) -> list[Exception | None]:
        lines = b"".join(event.body + b"\n" for event in batch)
        with self.path.open("ab") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
        self.fate.meets("carry")
        return [None] * len(batch)


@dataclass(frozen=True)
class Parts:
    """What one life of the poller is made of."""

    folder: Path
    engine: AsyncEngine
    eutils: Eutils
    topic: Topic
    fate: Fate


def _scaled(base_url: str, http: httpx.AsyncClient) -> Eutils:
    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / FASTER)

    timing = Timing(monotonic=lambda: time.monotonic() * FASTER, sleep=sleep)
    conduct = Conduct(Limiter(1_000, timing=timing), Patience(deadline=3_600), timing)
    return Eutils(Client(http, Access(base_url), conduct))


def parts(folder: Path) -> Parts:
    """The poller that `setup.json` describes."""
    setup = json.loads((folder / SETUP).read_text(encoding="utf-8"))
    fate = Fate(folder / FATE)
    http = make_http(TIMEOUT_SECONDS)
    fate.watch(http)
    return Parts(
        folder=folder,
        engine=make_engine(setup["database_url"]),
        eutils=_scaled(setup["eutils_url"], http),
        topic=Topic.model_validate(setup["topic"]),
        fate=fate,
    )


async def live(own: Parts) -> None:
    """Poll when due, carry events, and say on stdout when nothing is left to do."""
    clock = file_clock(own.folder / CLOCK)
    collector = Collector(own.folder / EVENTS, own.fate)
    told: datetime | None = None
    while True:
        own.fate.look()
        now = clock()
        if now != told and await _nothing_left(own, collector, now):
            told = now
            sys.stdout.write(f"{now.isoformat()} {await _was_healthy(own, now)}\n")
            sys.stdout.flush()
        await asyncio.sleep(TICK_SECONDS)


async def _nothing_left(own: Parts, collector: Collector, now: datetime) -> bool:
    try:
        polls = await poll_due(own.engine, own.eutils, [own.topic], lambda: now)
        while await relay(own.engine, tables.outbox, collector.publish):
            continue
    except Retryable as fault:
        sys.stderr.write(f"{fault}\n")
        return False
    return not polls


async def _was_healthy(own: Parts, now: datetime) -> bool:
    async with transaction(own.engine) as connection:
        last = await store.last_poll(connection, own.topic.id, now)
    return last is not None and last.healthy


def main() -> None:
    configure_logging("poller", as_json=True)
    asyncio.run(live(parts(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
