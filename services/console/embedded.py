"""The embedded mode: its settings, and the line running by the clock."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier.settings import Settings as ClassifierSettings
from services.classifier.taxonomy import load_taxonomy
from services.console.line import Line, open_line
from services.console.settings import Settings
from services.notifier.delivery import Office
from services.notifier.run import load_subscriptions
from services.notifier.senders.choose import choose
from services.notifier.settings import Settings as NotifierSettings
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
from shared.settings import load

POLL_SECONDS = 5.0
CARRY_SECONDS = 0.5
DELIVER_SECONDS = 10.0

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
    return Embedded(
        state=state or load(Settings).state,
        poller=poller,
        classifier=load(ClassifierSettings, _UNUSED),
        notifier=load(NotifierSettings, _UNUSED),
        topics=paced(tuple(read_topics(poller.topics_dir)), poller.poll_every()),
    )


@asynccontextmanager
async def opened(embedded: Embedded, clock: Clock = system_clock) -> AsyncIterator[Line]:
    """The embedded line on its files, with the subscriptions of the file, if one is named."""
    async with AsyncExitStack() as stack:
        taxonomy = load_taxonomy(embedded.classifier.taxonomy)
        line = await open_line(embedded.state, taxonomy, clock, stack)
        if embedded.notifier.subscriptions_file:
            await load_subscriptions(
                line.stores.notifier, embedded.notifier.subscriptions_file, clock
            )
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
    async with opened(embedded) as line:
        await _tell_waits(line, embedded, waits)
        await _loop(line, embedded, polled, stop)


async def _tell_waits(
    line: Line, embedded: Embedded, waits: Callable[[str, datetime], None]
) -> None:
    now = line.clock()
    for topic in embedded.topics:
        async with transaction(line.stores.poller) as connection:
            until = next_poll_at(topic, await last_poll(connection, topic.id, now), now)
        if until > now:
            waits(topic.id, until)


async def _loop(
    line: Line, embedded: Embedded, polled: Callable[[Poll], None], stop: asyncio.Event
) -> None:
    async with asyncio.TaskGroup() as tasks:
        for name, seconds, step in _steps(line, embedded, polled):
            tasks.create_task(every(name, seconds, step, stop))


def _steps(
    line: Line, embedded: Embedded, polled: Callable[[Poll], None]
) -> Sequence[tuple[str, float, Callable[[], Awaitable[object]]]]:
    eutils = eutils_of(embedded, line.stores.poller)
    switch = DeadMan(embedded.poller.ping(), httpx.AsyncClient())
    notifier = embedded.notifier
    senders = choose(notifier.capture_dir, notifier.smtp_server(), notifier.mail_from)
    background = notifier.background_per_digest
    office = Office(senders, notifier.identity(), notifier.patience(), background)

    async def poll() -> None:
        polls = await line.poll(eutils, embedded.topics, embedded.poller.max_reread)
        for one in polls:
            polled(one)
        await switch.polled(polls)

    async def deliver() -> int:
        return await line.deliver(office)

    return (
        ("poll", POLL_SECONDS, poll),
        ("carry", CARRY_SECONDS, line.carry),
        ("deliver", DELIVER_SECONDS, deliver),
    )


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
