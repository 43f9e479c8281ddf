"""Articles that flow through the line, and who watches how the services feel meanwhile."""

import asyncio
import threading
from contextlib import suppress
from itertools import count
from types import TracebackType
from typing import Self

import aio_pika
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError

from shared.events import CONTENT_TYPE
from shared.topology import EXCHANGE
from tests.builders import an_article, discovered
from tests.chaos.field import Field

_pmids = count(1_000_000)


class Flow:
    """Articles discovered one after the other, each published until it is confirmed, as by an
    outbox; past the proxy. A context manager, which ends when the last one is confirmed."""

    def __init__(self, where: Field, articles: int, pause: float = 0.02) -> None:
        self.pmids = [next(_pmids) for _ in range(articles)]
        self._url, self._pause = where.amqp_url, pause
        self._left = list(self.pmids)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()), name="flow")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._thread.join(90)
        if self._thread.is_alive() and error is None:
            raise TimeoutError(f"{len(self._left)} articles could not be published")

    async def _all(self) -> None:
        while self._left:
            with suppress(OSError, TimeoutError, AMQPError, ChannelInvalidStateError):
                connection = await aio_pika.connect(self._url, timeout=5)
                async with connection:
                    await self._over(await connection.channel())
            await asyncio.sleep(0.2)

    async def _over(self, channel: aio_pika.abc.AbstractChannel) -> None:
        exchange = await channel.get_exchange(EXCHANGE, ensure=False)
        while self._left:
            event = discovered(article=an_article(pmid=self._left[0]))
            message = aio_pika.Message(
                event.encode(), message_id=event.id, content_type=CONTENT_TYPE
            )
            await exchange.publish(message, event.ROUTING_KEY, timeout=5)
            self._left.pop(0)
            await asyncio.sleep(self._pause)


class Watch:
    """Asks every member's probes while the block runs: who was not alive, and who not ready."""

    def __init__(self, where: Field) -> None:
        self.dead: set[str] = set()
        self.unready: set[str] = set()
        self._where, self._over = where, threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join(60)

    def _look(self) -> None:
        while not self._over.wait(0.2):
            for member in list(self._where.crew.members.values()):
                # A busy machine may be slow to answer; a service that is dead or stuck never does.
                if member.probe("/livez", seconds=20) != 200:
                    self.dead.add(member.name)
                if member.probe("/readyz", seconds=20) != 200:
                    self.unready.add(member.name)


def arrived(where: Field, pmids: list[int]) -> bool:
    """Whether each of these is labelled and projected."""
    few = ",".join(map(str, pmids))
    tables = ("classifier.classifications", "notifier.articles")
    query = "SELECT count(*) FROM {} WHERE pmid IN ({})"
    found = [where.postgres.sql(query.format(name, few), where.database) for name in tables]
    return found == [str(len(pmids))] * 2


def is_quiet(where: Field) -> bool:
    """Whether no event waits in an outbox, and no message in a queue that somebody works on."""
    waiting = where.postgres.sql(
        "SELECT (SELECT count(*) FROM classifier.outbox) + (SELECT count(*) FROM notifier.outbox)",
        where.database,
    )
    held = where.rabbit.queues(where.vhost)
    return waiting == "0" and all(
        number == 0 for name, number in held.items() if name in {"classifier", "notifier"}
    )


def parked(where: Field) -> int:
    """How many messages wait for a person."""
    held = where.rabbit.queues(where.vhost)
    return sum(number for name, number in held.items() if name.endswith(".parked"))
