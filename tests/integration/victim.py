"""A consumer with an inbox that dies of one message: `python -m tests.integration.victim URL FILE`.

Its effects, a row for each event, are in the SQLite file.
"""

import asyncio
import os
import signal
import sys

import sqlalchemy as sa

from shared.broker import begin, consume, make_broker
from shared.clock import system_clock
from shared.database import make_engine, make_metadata, transaction
from shared.inbox import first_time, inbox_table
from shared.topology import CLASSIFIER

metadata = make_metadata("console")
inbox = inbox_table(metadata)
effects = sa.Table("effects", metadata, sa.Column("event", sa.String(36)))
DEADLY = b"deadly"


async def main(url: str, path: str) -> None:
    engine = make_engine(f"sqlite+aiosqlite:///{path}")
    async with transaction(engine) as connection:
        await connection.run_sync(metadata.create_all)

    async def handle(body: bytes) -> None:
        if body == DEADLY:
            os.kill(os.getpid(), signal.SIGKILL)
        async with transaction(engine) as connection:
            if await first_time(connection, inbox, body.decode(), "victim.v1", system_clock()):
                await connection.execute(effects.insert().values(event=body.decode()))

    broker, publishing = make_broker(url), make_broker(url)
    consume(broker, CLASSIFIER, handle, system_clock, publishing)
    await begin(publishing)
    await begin(broker)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
