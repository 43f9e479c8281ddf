"""The relay of a running service: woken by what the service adds to its outbox."""

import asyncio
import os
import signal
import socket

import pytest

from services.classifier.handlers import handler
from services.classifier.tables import outbox
from shared import process
from shared.broker import consume, declare_topology, make_broker, publisher
from shared.clock import system_clock
from shared.database import make_engine
from shared.events import ArticleDiscovered
from shared.migrate import upgrade
from shared.outbox import Outgoing
from shared.process import Service, run
from shared.topology import CLASSIFIER, NOTIFIER
from tests.builders import an_article, discovered
from tests.eventually import eventually
from tests.unit.classifier.reading import SHIPPED

pytestmark = [pytest.mark.connected, pytest.mark.timeout(120)]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _outgoing(event: ArticleDiscovered) -> Outgoing:
    return Outgoing(event.id, event.type, event.ROUTING_KEY, event.encode())


async def test_what_a_handler_adds_is_published_though_no_relay_looks_by_the_clock(
    amqp_url: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "RELAY_SECONDS", 3600.0)
    engine = make_engine(postgres_url)
    await upgrade(engine, "classifier")
    await declare_topology(amqp_url)
    told: list[bytes] = []

    async def hear(body: bytes) -> None:
        told.append(body)

    broker, reader = make_broker(amqp_url), make_broker(amqp_url)
    consume(broker, CLASSIFIER, handler(engine, SHIPPED, system_clock), system_clock)
    consume(reader, NOTIFIER, hear, system_clock)
    await reader.start()
    service = asyncio.create_task(
        run(Service("classifier", engine, outbox, broker, amqp_url, _free_port()))
    )
    for number in (1, 2, 3):  # only the first can be found by the look at the start
        event = discovered(article=an_article(pmid=number))
        assert await publisher(reader)([_outgoing(event)]) == [None]
        await eventually(lambda number=number: len(told) == number, within=20)  # type: ignore[misc]

    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(service, timeout=40)
    await reader.stop()
