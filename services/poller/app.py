"""The poller's composition root."""

import asyncio
import sys
from datetime import timedelta

import httpx

from services.poller import tables
from services.poller.eutils import make_eutils
from services.poller.metrics import Metrics
from services.poller.pace import shared_limiter
from services.poller.ping import DeadMan
from services.poller.run import poll_due
from services.poller.settings import Settings
from services.poller.standing import read_standings
from services.poller.topic import Topic, read_topics
from shared import collector
from shared.broker import make_broker
from shared.clock import clock_from
from shared.database import make_engine
from shared.logs import configure_logging
from shared.process import Loop, Service, run
from shared.settings import load
from shared.under_replay import UnderReplay

TICK_SECONDS = 1.0
"""How often it is asked whether a topic is due; the topic says how often that is."""

LOOK_SECONDS = 30.0
"""Between two looks at where the topics stand, for the numbers."""


def build(settings: Settings, topics: tuple[Topic, ...]) -> Service:
    """The poller with all its concrete parts."""
    engine = make_engine(settings.database_url.get_secret_value())
    amqp_url = settings.amqp_url.get_secret_value()
    metrics = Metrics()
    limiter = shared_limiter(engine, settings.access().api_key)
    eutils = make_eutils(settings.access(), limiter=limiter, answered=metrics.answered)
    http = httpx.AsyncClient()
    switch = DeadMan(settings.ping(), http)
    clock = clock_from(settings.clock_file)

    async def poll() -> None:
        polls = await poll_due(engine, eutils, topics, clock, settings.max_reread)
        for one in polls:
            metrics.polled(one)
        await switch.polled(polls)

    async def look() -> None:
        metrics.stand(await read_standings(engine, topics, clock()))

    return Service(
        name="poller",
        engine=engine,
        outbox=tables.outbox,
        broker=make_broker(amqp_url),
        amqp_url=amqp_url,
        port=settings.port,
        loops=(
            Loop("poll", TICK_SECONDS, poll, UnderReplay.LIVE_ONLY),
            Loop("standing", LOOK_SECONDS, look, UnderReplay.INSIDE),
        ),
        metrics=metrics.registry,
        closing=(eutils.aclose, http.aclose),
    )


def paced(topics: tuple[Topic, ...], every: timedelta | None) -> tuple[Topic, ...]:
    """The topics at the operator's pace, where the settings overrule theirs."""
    if every is None:
        return topics
    minutes = int(every.total_seconds() // 60)
    return tuple(t.model_copy(update={"poll_every_minutes": minutes}) for t in topics)


def main() -> None:
    """Run the poller until it is told to stop.

    Raises:
        ConfigurationError: a setting or a topic cannot be used.
    """
    settings, traces = load(Settings), load(collector.Settings)
    configure_logging("poller", as_json=settings.log_json, stream=sys.stdout)
    topics = paced(tuple(read_topics(settings.topics_dir)), settings.poll_every())
    asyncio.run(run(build(settings, topics), traces))
