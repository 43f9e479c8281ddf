"""The classifier without outbox and inbox, as a process: `python -m tests.bench.line_bare`.

The same settings, broker, queue, places for failures, taxonomy, statement and group commit as the
real one. The event is published, confirmed, after the commit, and the message acknowledged after
that: one that comes again is classified and told again.
"""

import asyncio
from collections.abc import Sequence

from services.classifier import store, tables
from services.classifier.classify import classify
from services.classifier.handlers import classified
from services.classifier.settings import Settings
from services.classifier.taxonomy import Taxonomy, load_taxonomy
from shared.broker import consume, make_broker, publisher
from shared.clock import system_clock
from shared.database import make_engine, transaction
from shared.events import ArticleClassified, ArticleDiscovered, ArticleRevised, decode
from shared.logs import configure_logging
from shared.outbox import Outgoing, Publish
from shared.placing import Handle
from shared.process import Service, run
from shared.settings import load
from shared.together import Together
from shared.topology import CLASSIFIER


def bare(engine_url: str, taxonomy: Taxonomy, publish: Publish) -> Handle:
    """Store, publish, acknowledge."""
    engine = make_engine(engine_url)

    async def write(events: Sequence[ArticleClassified]) -> None:
        async with transaction(engine) as connection:
            await store.keep_all(connection, events, system_clock())

    together: Together[ArticleClassified] = Together(write)

    async def handle(body: bytes) -> None:
        cause = decode(body)
        if not isinstance(cause, ArticleDiscovered | ArticleRevised):
            raise TypeError(cause.type)
        event = classified(cause, classify(cause.data.article, taxonomy), system_clock())
        await together.write(event)
        outgoing = Outgoing(event.id, event.type, event.ROUTING_KEY, event.encode())
        (fault,) = await publish([outgoing])
        if fault:
            raise fault

    return handle


def main() -> None:
    settings = load(Settings)
    configure_logging("classifier", as_json=True)
    url, amqp_url = settings.database_url.get_secret_value(), settings.amqp_url.get_secret_value()
    broker = make_broker(amqp_url)
    handle = bare(url, load_taxonomy(settings.taxonomy), publisher(broker))
    consume(broker, CLASSIFIER, handle, system_clock)
    engine = make_engine(url)
    asyncio.run(run(Service("classifier", engine, tables.outbox, broker, amqp_url, settings.port)))


if __name__ == "__main__":
    main()
