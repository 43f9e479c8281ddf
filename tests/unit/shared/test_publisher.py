"""Publishing while the broker blocks, with a broker that does so when it is told to."""

import asyncio
import gc
from typing import Any, cast

import pytest
from faststream.rabbit import RabbitBroker

from shared.broker import publisher
from shared.errors import Away
from shared.outbox import Outgoing


class BlockingBroker:
    """Takes one batch, blocks before it has confirmed it, and stays so."""

    def __init__(self) -> None:
        self.connected = asyncio.Event()
        self.connected.set()
        self.transport = self.connection = self
        self._asked = 0

    async def connect(self) -> "BlockingBroker":
        return self

    async def channel(self, **_: Any) -> "BlockingBroker":
        return self

    async def get_exchange(self, *_: Any, **__: Any) -> "BlockingBroker":
        return self

    async def ready(self) -> None:
        self._asked += 1
        if self._asked > 1:
            await asyncio.Event().wait()

    async def publish(self, *_: Any, **__: Any) -> None:
        await asyncio.Event().wait()


async def test_a_batch_that_is_given_up_leaves_no_complaint_behind() -> None:
    heard: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, about: heard.append(about))
    publish = publisher(cast("RabbitBroker", BlockingBroker()))

    with pytest.raises(Away):
        await publish([Outgoing("e-1", "t", "article.discovered", b"{}")])

    await asyncio.sleep(0.05)  # what was given up comes to its end
    gc.collect()
    await asyncio.sleep(0)
    assert heard == []
