"""The notifier's composition root."""

import asyncio

from services.notifier import tables
from services.notifier.delivery import Office
from services.notifier.handlers import handler
from services.notifier.run import deliver_due, sync
from services.notifier.senders.choose import choose
from services.notifier.settings import Settings
from services.notifier.subscription import Subscription, load
from services.notifier.tokens import Tokens
from services.notifier.vault import Vault
from services.notifier.web.app import make_web
from services.notifier.web.house import House
from shared.broker import consume, make_broker
from shared.clock import clock_from
from shared.database import make_engine
from shared.logs import configure_logging
from shared.process import Loop, Service, run
from shared.serving import served
from shared.settings import load as load_settings
from shared.topology import NOTIFIER

TICK_SECONDS = 1.0
"""How often it is asked whether a digest is due."""


def build(settings: Settings, subscriptions: tuple[Subscription, ...] | None) -> Service:
    """The notifier with all its concrete parts; `None` leaves the subscriptions as they are."""
    engine = make_engine(settings.database_url.get_secret_value())
    amqp_url = settings.amqp_url.get_secret_value()
    clock = clock_from(settings.clock_file)
    broker = make_broker(amqp_url)
    consume(broker, NOTIFIER, handler(engine, clock), clock)
    senders = choose(settings.capture_dir, settings.smtp_server(), settings.mail_from)
    office = Office(
        senders, settings.identity(), settings.patience(), settings.background_per_digest
    )

    keys = settings.keys()
    house = House(engine, clock, Tokens(keys), Vault(keys), settings.public_url, settings.doors())
    pages = served(make_web(house), settings.web_host, settings.web_port)

    async def read_subscriptions() -> None:
        if subscriptions is not None:
            await sync(engine, subscriptions, clock)

    async def deliver() -> None:
        await deliver_due(engine, office, clock)

    return Service(
        name="notifier",
        engine=engine,
        outbox=tables.outbox,
        broker=broker,
        amqp_url=amqp_url,
        port=settings.port,
        first=read_subscriptions,
        loops=(Loop("deliver", TICK_SECONDS, deliver),),
        pages=pages if settings.web_port else None,
    )


def main() -> None:
    """Run the notifier until it is told to stop.

    Raises:
        ConfigurationError: a setting or the subscriptions file cannot be used.
    """
    settings = load_settings(Settings)
    configure_logging("notifier", as_json=settings.log_json)
    clock = clock_from(settings.clock_file)
    path = settings.subscriptions_file
    asyncio.run(run(build(settings, load(path, clock()) if path else None)))
