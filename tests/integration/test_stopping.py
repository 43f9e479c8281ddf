"""A service that is told to stop while its engines swallow everything."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from shared.broker import declare_topology, make_broker, publisher
from shared.database import make_engine
from shared.migrate import upgrade
from shared.outbox import Outgoing
from shared.process import EXIT_SECONDS
from tests.builders import discovered
from tests.chaos.proxy import Proxy, Route
from tests.eventually import eventually

pytestmark = [pytest.mark.connected, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]


def _through(proxy: Proxy, url: str) -> tuple[Route, str]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    route = proxy.route(parts.scheme, parts.hostname, parts.port)
    return route, url.replace(f"{parts.hostname}:{parts.port}", f"127.0.0.1:{route.port}")


async def test_it_ends_within_the_grace_also_when_nothing_answers(
    amqp_url: str, postgres_url: str
) -> None:
    engine = make_engine(postgres_url)
    await upgrade(engine, "classifier")
    await engine.dispose()
    await declare_topology(amqp_url)
    with Proxy() as proxy, socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        listener.close()
        (to_broker, broker_url), (to_database, database_url) = (
            _through(proxy, url) for url in (amqp_url, postgres_url)
        )
        process = _classifier(port, broker_url, database_url)
        try:
            await eventually(lambda: _ready(port), within=90, pause=0.5)
            to_database.black_hole()
            await _publish(amqp_url)
            await asyncio.sleep(1)
            to_broker.black_hole()
            process.send_signal(signal.SIGTERM)
            logs, _ = await asyncio.to_thread(process.communicate, timeout=EXIT_SECONDS + 3)
            assert "service_started" in logs
        finally:
            process.kill()


def _classifier(port: int, broker_url: str, database_url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "services.classifier"],
        cwd=ROOT,
        env={
            "PATH": os.defpath,
            "CLASSIFIER_PORT": str(port),
            "CLASSIFIER_AMQP_URL": broker_url,
            "CLASSIFIER_DATABASE_URL": database_url,
        },
        stdout=subprocess.PIPE,
        text=True,
    )


def _ready(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=8) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


async def _publish(url: str) -> None:
    event = discovered()
    broker = make_broker(url)
    await broker.start()
    outgoing = Outgoing(event.id, event.type, event.ROUTING_KEY, event.encode())
    assert await publisher(broker)([outgoing]) == [None]
    await broker.stop()
