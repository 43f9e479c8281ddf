"""Readers and their digests, for `tests.bench.footprint`."""

import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier import tables
from services.notifier.lanes import deliver_these
from services.notifier.office import Desk, Office, Patience
from services.notifier.packing import Means
from services.notifier.plan import due
from services.notifier.senders.connection import SmtpServer
from services.notifier.tokens import Tokens
from shared.database import transaction
from tests.bench.fanout import DUE, IDENTITY, Keeping, cut_all, prepared, sink, waiting_now
from tests.bench.footprint_parts import Meter, Spent, stored


@dataclass(frozen=True)
class Readers:
    """So many daily readers of one topic, with the filters of `tests.bench.fanout`."""

    engine: AsyncEngine
    meter: Meter
    count: int

    async def measured(self, articles: int) -> AsyncIterator[str]:
        """A line for each figure: cut, looked for, sent."""
        await prepared(self.engine, 0, articles)
        before = await stored(self.engine, "notifier")
        await prepared(self.engine, self.count, 0)
        begun = await stored(self.engine, "notifier")
        yield f"reader {self.count:12d}  {(begun - before) / self.count:8.0f} B stored"
        yield await self._cut(begun)
        yield await self._looked()
        yield await self._sent(begun)

    async def _cut(self, begun: int) -> str:
        desk = Desk(self.engine, Office({}, IDENTITY, Patience()), lambda: DUE)
        spent = await self.meter.of(cut_all(desk))
        digests, items = await self._count(tables.digests), await self._count(tables.ledger)
        if digests != self.count:
            raise RuntimeError(f"{self.count} were due, and {digests} were cut")
        held = await stored(self.engine, "notifier") - begun
        return (
            f"cut of {items / digests:4.1f}  {digests:6d}  {self._each(spent)}"
            f"  {held / digests:8.0f} B stored"
        )

    async def _looked(self) -> str:
        """One look at who is due, when nobody is, as each second has it."""
        soon = DUE + timedelta(minutes=1)
        await due(self.engine, soon)
        spent = await self.meter.of(due(self.engine, soon))
        tracemalloc.start()
        await due(self.engine, soon)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return f"look  {self.count:13d}  {self._each(spent)}  {most / self.count:8.0f} B held"

    async def _sent(self, begun: int) -> str:
        async with sink() as port:
            server = SmtpServer("127.0.0.1", port, "none", connections=4, per_domain=1e9)
            sender = Keeping(server, "news@example.org")
            means = Means(Tokens([SecretStr("a key")]), "https://carillon.example.org")
            office = Office({"email": sender}, IDENTITY, Patience(), means=means)
            desk = Desk(self.engine, office, lambda: DUE)
            spent = await self.meter.of(deliver_these(desk, await waiting_now(desk)))
            await sender.close()
        if sender.messages != self.count:
            raise RuntimeError(f"{self.count} were cut, and {sender.messages} were sent")
        held = await stored(self.engine, "notifier") - begun
        size = sender.octets / 1024 / sender.messages
        return (
            f"sent of {size:3.0f} KB  {sender.messages:5d}  {self._each(spent)}"
            f"  {held / self.count:8.0f} B stored, with its cut"
        )

    def _each(self, spent: Spent) -> str:
        service, database = 1000 * spent.service / self.count, 1000 * spent.database / self.count
        return f"{service:8.3f} ms service  {database:8.3f} ms database"

    async def _count(self, table: sa.Table) -> int:
        async with transaction(self.engine) as connection:
            query = sa.select(sa.func.count()).select_from(table)
            return int(await connection.scalar(query) or 0)
