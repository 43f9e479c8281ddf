"""What waits in the broker, and what its archive keeps, for `tests.bench.footprint`."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import httpx

from shared.broker import declare_topology, make_broker, publisher
from shared.events import Event
from shared.outbox import Outgoing
from tests.parts import Rabbit

BATCH = 200
SETTLED = 8.0
"""Seconds after which the node has counted anew: it does so every five."""


async def waiting(rabbit: Rabbit, events: Sequence[Event]) -> list[str]:
    """Publish events that nobody takes: each waits in a queue, and is in the archive."""
    url = rabbit.new_vhost(f"t{uuid4().hex[:12]}")
    await declare_topology(url)
    before = await _held(rabbit)
    broker = make_broker(url)
    await broker.start()
    publish = publisher(broker)
    sizes = 0
    for start in range(0, len(events), BATCH):
        part = [
            Outgoing(one.id, one.type, one.ROUTING_KEY, one.encode())
            for one in events[start : start + BATCH]
        ]
        sizes += sum(len(one.body) for one in part)
        if any(await publish(part)):
            raise RuntimeError("not all was taken")
    await broker.stop()
    after = await _held(rabbit)
    count = len(events)
    memory, disk = (now - then for now, then in zip(after, before, strict=True))
    return [
        f"broker idle {before[0] / 1e6:6.0f} MB memory",
        f"waiting {count:6d} events of {sizes / count:.0f} B: {memory / count:6.0f} B memory, "
        f"{disk / count:6.0f} B disk, in queue and archive",
    ]


async def _held(rabbit: Rabbit) -> tuple[int, int]:
    """Bytes of memory that the node says it uses, and of its files."""
    await asyncio.sleep(SETTLED)
    async with httpx.AsyncClient(trust_env=False) as client:
        (node,) = (await client.get(f"{rabbit.management}/api/nodes")).json()
    _, said = rabbit.container.exec(["du", "-sb", "--apparent-size", "/var/lib/rabbitmq/mnesia"])
    return int(node["mem_used"]), int(said.split()[0])
