"""A thousand messages that cannot be handled, of every kind, and back once the cause is mended."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aio_pika
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.classifier import tables as classifier
from services.classifier.handlers import handler as classifying
from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.console.parked.broker import BrokerParking
from services.console.stores import Stores, embedded_stores
from services.notifier import tables as notifier
from services.notifier.handlers import handler as remembering
from shared import topology
from shared.broker import begin, consume, declare_topology, make_broker
from shared.database import transaction
from shared.events import ArticleClassified, ArticleDiscovered
from shared.placing import Handle
from shared.topology import CLASSIFIER, NOTIFIER, ConsumerQueue
from tests.builders import NOON, an_article, classified, discovered
from tests.eventually import eventually
from tests.fakes import FakeClock

pytestmark = [pytest.mark.connected, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
EACH = 100
"""Of five kinds and at two consumers: a thousand."""
GOOD = 20
KEYS = {CLASSIFIER: "article.discovered", NOTIFIER: "article.classified"}
KINDS = {"undecodable": "permanent", "schema": "permanent", "version": "permanent", "bug": "bug",
         "large": "permanent"}  # fmt: skip
"""Each kind of poison, with the reason that it is parked for."""


def _event(queue: ConsumerQueue, number: int) -> ArticleDiscovered | ArticleClassified:
    make = discovered if queue is CLASSIFIER else classified
    return make(article=an_article(pmid=number))


def _poison(kind: str, queue: ConsumerQueue, number: int) -> bytes:
    content: dict[str, Any] = json.loads(_event(queue, number).encode())
    content["id"] = f"{kind}-{number}"
    if kind == "undecodable":
        return b"\xff" + str(number).encode()
    if kind == "schema":
        del content["data"]["article"]["title"]
    if kind == "version":
        content["type"] = content["type"].replace(".v1", ".v9")
    if kind == "large":
        content["data"]["revision"] = 2**70
    return json.dumps(content).encode()


def _all(queue: ConsumerQueue) -> Iterator[tuple[str, bytes]]:
    """Name and body of each message, with the good ones among them."""
    for number in range(1, EACH + 1):
        for kind in KINDS:
            yield f"{kind}-{number}", _poison(kind, queue, number)
        if number <= GOOD:
            event = _event(queue, 1_000 + number)
            yield event.id, event.encode()


async def _publish(url: str) -> None:
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(topology.EXCHANGE)
        for queue, key in KEYS.items():
            messages = [aio_pika.Message(body, message_id=name) for name, body in _all(queue)]
            await asyncio.gather(*(exchange.publish(message, key) for message in messages))


class Flawed:
    """A handler with a bug, until it is mended."""

    def __init__(self, handle: Handle) -> None:
        self.handle, self.mended = handle, False

    async def __call__(self, body: bytes) -> None:
        if b'"bug-' in body and not self.mended:
            raise KeyError("a bug")
        await self.handle(body)


@asynccontextmanager
async def _services(url: str, stores: Stores) -> AsyncIterator[list[Flawed]]:
    clock = FakeClock(NOON)
    handlers = {
        CLASSIFIER: Flawed(classifying(stores.classifier, load_taxonomy(TAXONOMY), clock)),
        NOTIFIER: Flawed(remembering(stores.notifier, clock)),
    }
    broker, publishing = make_broker(url), make_broker(url)
    for queue, handle in handlers.items():
        consume(broker, queue, handle, clock, publishing)
    await begin(publishing)
    await begin(broker)
    yield list(handlers.values())
    await broker.stop()
    await publishing.stop()


async def _done(engine: AsyncEngine, table: sa.Table) -> int:
    async with transaction(engine) as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


async def _effects(stores: Stores) -> tuple[int, int]:
    return (
        await _done(stores.classifier, classifier.inbox),
        await _done(stores.notifier, notifier.inbox),
    )


async def _parked(url: str) -> dict[str, int]:
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        found = [await channel.declare_queue(queue.parked, passive=True) for queue in KEYS]
    return {one.name: one.declaration_result.message_count or 0 for one in found}


async def _carillon(url: str, *words: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.console", "parked", *words,
        cwd=ROOT, env={"PATH": "/usr/bin:/bin", "CARILLON_AMQP_URL": url, "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0, said
    return said.decode()


async def test_a_thousand_end_parked_and_exactly_what_can_be_handled_comes_back(
    amqp_url: str, tmp_path: Path
) -> None:
    stores = embedded_stores(tmp_path / "state")
    await stores.migrate()
    await declare_topology(amqp_url)
    await _publish(amqp_url)

    async with _services(amqp_url, stores) as flawed:
        await _is_parked(amqp_url, 5 * EACH, 5 * EACH)
        await _has_effects(stores, GOOD)
        await _each_has_its_reason(amqp_url)

        for one in flawed:
            one.mended = True
        said = await _carillon(amqp_url, "redrive", "--all", "--go")
        assert f"{8 * EACH} refused" in said
        assert f"{2 * EACH} put back" in said
        await _has_effects(stores, GOOD + EACH)
        await _is_parked(amqp_url, 4 * EACH, 4 * EACH)

        kind = "carillon.article.discovered.v9"
        said = await _carillon(amqp_url, "redrive", "--type", kind, "--force", "--go")
        assert f"{EACH} put back" in said
        await _is_parked(amqp_url, 4 * EACH, 4 * EACH)
        again = Counter(one.redriven for one in await _look(amqp_url) if one.type == kind)
        assert again == {1: EACH}
        assert await _effects(stores) == (GOOD + EACH, GOOD + EACH)
    await stores.close()


async def _is_parked(url: str, *counts: int) -> None:
    async def seen() -> bool:
        return tuple((await _parked(url)).values()) == counts

    await eventually(seen, within=120, pause=0.5)


async def _has_effects(stores: Stores, each: int) -> None:
    async def seen() -> bool:
        return await _effects(stores) == (each, each)

    await eventually(seen, within=60, pause=0.5)


async def _look(url: str) -> Any:
    return await BrokerParking(url, FakeClock(NOON)).look()


async def _each_has_its_reason(url: str) -> None:
    """Read from the queues themselves: reason, origin, traceback and body of every message."""
    connection = await aio_pika.connect(url)
    for queue, key in KEYS.items():
        sent = dict(_all(queue))
        channel = await connection.channel()
        found = await channel.declare_queue(queue.parked, passive=True)
        for _ in range(5 * EACH):
            message = await found.get(timeout=5)
            assert message is not None
            kind = str(message.message_id).split("-")[0]
            assert message.body == sent.pop(str(message.message_id))
            assert message.headers["carillon-reason"] == KINDS[kind]
            assert message.headers["carillon-origin-exchange"] == topology.EXCHANGE
            assert message.headers["carillon-origin-routing-key"] == key
            assert "Traceback" in str(message.headers["carillon-traceback"])
    await connection.close()
