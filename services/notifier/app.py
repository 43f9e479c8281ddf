"""The notifier's composition root."""

import asyncio
import sys

from services.notifier import tables
from services.notifier.entries import load
from services.notifier.handlers import handler
from services.notifier.measure import measure
from services.notifier.run import sync
from services.notifier.settings import Settings
from services.notifier.subscription import Subscription
from services.notifier.works import all_senders, loops, open_house, open_office, pages
from shared import collector
from shared.broker import consume, make_broker
from shared.clock import clock_from
from shared.database import make_engine
from shared.logs import configure_logging
from shared.process import Loop, Service, run
from shared.settings import load as load_settings
from shared.topology import NOTIFIER
from shared.under_replay import UnderReplay

LOOK_SECONDS = 30.0
"""Between two looks at what waits, for the numbers."""


def build(settings: Settings, subscriptions: tuple[Subscription, ...] | None) -> Service:
    """The notifier with all its concrete parts; `None` leaves the subscriptions as they are."""
    engine = make_engine(settings.database_url.get_secret_value())
    amqp_url = settings.amqp_url.get_secret_value()
    clock = clock_from(settings.clock_file)
    broker, publishing = make_broker(amqp_url), make_broker(amqp_url)
    consume(broker, NOTIFIER, handler(engine, clock), clock, publishing)
    house, office = open_house(settings, engine, clock), open_office(settings)

    async def read_subscriptions() -> None:
        if subscriptions is not None:
            await sync(engine, subscriptions, clock, house.vault)

    async def look() -> None:
        await measure(engine, office.metrics, clock)

    standing = Loop("standing", LOOK_SECONDS, look, UnderReplay.INSIDE)
    return Service(
        name="notifier",
        engine=engine,
        outbox=tables.outbox,
        broker=broker,
        publishing=publishing,
        consumes=NOTIFIER,
        amqp_url=amqp_url,
        port=settings.port,
        first=read_subscriptions,
        loops=(*loops(house, office, settings.inbox()), standing),
        metrics=office.metrics.registry,
        pages=pages(house, settings),
        closing=tuple(sender.close for sender in all_senders(house, office)),
    )


def main() -> None:
    """Run the notifier until it is told to stop.

    Raises:
        ConfigurationError: a setting or the subscriptions file cannot be used.
    """
    settings, traces = load_settings(Settings), load_settings(collector.Settings)
    configure_logging("notifier", as_json=settings.log_json, stream=sys.stdout)
    clock = clock_from(settings.clock_file)
    path = settings.subscriptions_file
    asyncio.run(run(build(settings, load(path, clock()) if path else None), traces))
