"""The embedded mode: its settings, and the line running by the clock."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier.settings import Settings as ClassifierSettings
from services.classifier.taxonomy import load_taxonomy
from services.classifier.tidy import TIDY_SECONDS, tidy
from services.console.archive.retention import Retention, prune
from services.console.line import Line, open_line
from services.console.settings import Settings
from services.notifier.run import load_subscriptions
from services.notifier.settings import Settings as NotifierSettings
from services.notifier.vault import Vault
from services.notifier.works import all_senders, loops, open_house, open_office, pages
from services.poller.app import paced
from services.poller.eutils import Eutils, make_eutils
from services.poller.pace import shared_limiter
from services.poller.ping import DeadMan
from services.poller.schedule import next_poll_at
from services.poller.settings import Settings as PollerSettings
from services.poller.store import last_poll
from services.poller.topic import Topic, read_topics
from shared.clock import Clock, system_clock
from shared.database import transaction
from shared.errors import ConfigurationError
from shared.events import Poll
from shared.loops import every
from shared.process import Loop
from shared.settings import load
from shared.under_replay import UnderReplay

POLL_SECONDS = 5.0
CARRY_SECONDS = 0.5

_UNUSED = {"database_url": "embedded", "amqp_url": "embedded"}
"""A deployed service must name its engines; the embedded mode has files and the bus instead."""


@dataclass(frozen=True)
class Embedded:
    """The settings of all services, and the topics they are about."""

    state: Path
    poller: PollerSettings
    classifier: ClassifierSettings
    notifier: NotifierSettings
    topics: tuple[Topic, ...]
    retention: Retention

    def topic(self, name: str | None) -> Topic:
        """The topic of that id; the only one when none is named.

        Raises:
            ConfigurationError: there is none of that id, or several and none was named.
        """
        known = {topic.id: topic for topic in self.topics}
        if name is None and len(known) == 1:
            return self.topics[0]
        if name in known:
            return known[name]
        asked = f"there is no topic {name!r}" if name else "several topics: name one with --topic"
        raise ConfigurationError(f"{asked}; known are {', '.join(sorted(known))}")


def read_embedded(state: Path | None) -> Embedded:
    """Read every setting of the embedded mode.

    Raises:
        ConfigurationError: a setting or a topic cannot be used.
    """
    poller = load(PollerSettings, _UNUSED)
    console = load(Settings)
    folder = state or console.state
    return Embedded(
        state=folder,
        poller=poller,
        classifier=load(ClassifierSettings, _UNUSED),
        notifier=_at_home(folder, load(NotifierSettings, _UNUSED)),
        topics=paced(tuple(read_topics(poller.topics_dir)), poller.poll_every()),
        retention=Retention(console.archive_days, console.archive_mb),
    )


def _at_home(state: Path, notifier: NotifierSettings) -> NotifierSettings:
    """Key and captured mails beside the stores, and the pages here, unless a setting says else."""
    places = {
        "secret_file": state / "notifier.key",
        "capture_dir": state / "mail",
        "public_url": f"http://localhost:{notifier.web_port}",
    }
    given = notifier.model_fields_set
    return notifier.model_copy(update={k: v for k, v in places.items() if k not in given})


@asynccontextmanager
async def opened(embedded: Embedded, clock: Clock = system_clock) -> AsyncIterator[Line]:
    """The embedded line on its files, with the subscriptions of the file, if one is named."""
    async with AsyncExitStack() as stack:
        taxonomy = load_taxonomy(embedded.classifier.taxonomy)
        line = await open_line(embedded.state, taxonomy, clock, stack)
        if embedded.notifier.subscriptions_file:
            path, vault = embedded.notifier.subscriptions_file, Vault(embedded.notifier.keys())
            await load_subscriptions(line.stores.notifier, path, clock, vault)
        yield line


async def run_until_stopped(
    embedded: Embedded,
    polled: Callable[[Poll], None],
    waits: Callable[[str, datetime], None],
) -> None:
    """Poll, carry and deliver by the clock until SIGINT or SIGTERM.

    `polled` is told each poll; `waits`, at the start, which topic is not due yet and until when.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with opened(embedded) as line, AsyncExitStack() as ends:
        house = open_house(embedded.notifier, line.stores.notifier, line.clock)
        office = open_office(embedded.notifier)
        for sender in all_senders(house, office):
            ends.push_async_callback(sender.close)
        work = (
            _polling(line, embedded, polled, ends),
            Loop("carry", CARRY_SECONDS, line.carry, UnderReplay.AS_TOLD),
            *loops(house, office, embedded.notifier.inbox()),
            _tidying(line, embedded),
            _pruning(line, embedded),
        )
        async with pages(house, embedded.notifier):
            await _tell_waits(line, embedded, waits)
            await _run_all(work, stop)


async def _tell_waits(
    line: Line, embedded: Embedded, waits: Callable[[str, datetime], None]
) -> None:
    now = line.clock()
    for topic in embedded.topics:
        async with transaction(line.stores.poller) as connection:
            until = next_poll_at(topic, await last_poll(connection, topic.id, now), now)
        if until > now:
            waits(topic.id, until)


async def _run_all(work: Sequence[Loop], stop: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as tasks:
        for loop in work:
            tasks.create_task(every(loop.name, loop.seconds, loop.step, stop))


def _tidying(line: Line, embedded: Embedded) -> Loop:
    async def forget() -> int:
        return await tidy(line.stores.classifier, line.clock, embedded.classifier.inbox())

    return Loop("tidy-classifier", TIDY_SECONDS, forget, UnderReplay.INSIDE)


def _pruning(line: Line, embedded: Embedded) -> Loop:
    async def forget() -> int:
        return await prune(line.bus.engine, line.clock(), embedded.retention)

    return Loop("prune-archive", TIDY_SECONDS, forget, UnderReplay.INSIDE)


def _polling(
    line: Line, embedded: Embedded, polled: Callable[[Poll], None], ends: AsyncExitStack
) -> Loop:
    eutils, http = eutils_of(embedded, line.stores.poller), httpx.AsyncClient()
    switch = DeadMan(embedded.poller.ping(), http)
    for close in (eutils.aclose, http.aclose):
        ends.push_async_callback(close)

    async def poll() -> None:
        polls = await line.poll(eutils, embedded.topics, embedded.poller.max_reread)
        for one in polls:
            polled(one)
        await switch.polled(polls)

    return Loop("poll", POLL_SECONDS, poll, UnderReplay.LIVE_ONLY)


def eutils_of(embedded: Embedded, engine: AsyncEngine) -> Eutils:
    """PubMed as the settings say, at one pace with all that use the poller's store."""
    access = embedded.poller.access()
    return make_eutils(access, limiter=shared_limiter(engine, access.api_key))


def trouble(poll: Poll, again_at: datetime) -> str | None:
    """One line on what could not be checked; None when all was."""
    faults = {leg.error for leg in poll.legs if leg.error}
    if poll.healthy or not faults:
        return None
    return (
        f"{poll.finished_at:%Y-%m-%d %H:%M} UTC  PubMed could not be checked for {poll.topic}: "
        f"{min(faults)}. Nothing is lost; trying again at {again_at:%H:%M} UTC."
    )
