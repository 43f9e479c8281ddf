"""The classifier's composition root."""

import asyncio
import sys

import httpx

from services.classifier import tables
from services.classifier.handlers import handler, no_second
from services.classifier.metrics import Metrics
from services.classifier.opinion_client import OpinionClient
from services.classifier.opinion_second import SecondOpinion
from services.classifier.settings import Settings
from services.classifier.taxonomy import Taxonomy, load_taxonomy
from services.classifier.tidy import TIDY_SECONDS, tidy
from shared import collector
from shared.broker import consume, make_broker
from shared.clock import clock_from
from shared.database import make_engine
from shared.logs import configure_logging
from shared.process import Loop, Service, run
from shared.settings import load
from shared.topology import CLASSIFIER
from shared.under_replay import UnderReplay


def build(settings: Settings, taxonomy: Taxonomy) -> Service:
    """The classifier with all its concrete parts."""
    engine = make_engine(settings.database_url.get_secret_value())
    amqp_url = settings.amqp_url.get_secret_value()
    clock = clock_from(settings.clock_file)
    broker, publishing = make_broker(amqp_url), make_broker(amqp_url)
    endpoint = settings.opinion()
    http = httpx.AsyncClient()
    client = OpinionClient(http, endpoint) if endpoint else None
    opinion = SecondOpinion(engine, client, taxonomy, clock) if client else None
    seconds = (opinion, opinion.known) if opinion else (no_second, no_second)
    metrics = Metrics(taxonomy.by_key)
    handle = handler(engine, taxonomy, clock, *seconds, told=metrics.classified)
    consume(broker, CLASSIFIER, handle, clock, publishing)

    async def forget() -> int:
        return await tidy(engine, clock, settings.inbox())

    return Service(
        name="classifier",
        engine=engine,
        outbox=tables.outbox,
        broker=broker,
        publishing=publishing,
        consumes=CLASSIFIER,
        amqp_url=amqp_url,
        port=settings.port,
        loops=(Loop("tidy", TIDY_SECONDS, forget, UnderReplay.INSIDE),),
        metrics=metrics.registry,
        closing=(http.aclose,),
    )


def main() -> None:
    """Run the classifier until it is told to stop.

    Raises:
        ConfigurationError: a setting or the taxonomy cannot be used.
    """
    settings, traces = load(Settings), load(collector.Settings)
    configure_logging("classifier", as_json=settings.log_json, stream=sys.stdout)
    asyncio.run(run(build(settings, load_taxonomy(settings.taxonomy)), traces))
