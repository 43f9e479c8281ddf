"""A store that is thrown away at the end: fast, and of no use after a power cut.

SQLite as everywhere, but each statement runs where it is asked for (the driver's own way, a thread
for each connection, takes longer to change threads than most statements take), JSON is read by
pydantic's reader, and nothing waits for the disk.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Generator
from typing import Any

import aiosqlite
import sqlalchemy as sa
from pydantic_core import from_json
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database import sqlite_engine

_BEGIN = "BEGIN IMMEDIATE"


def hasty_engine(url: str) -> AsyncEngine:
    """An engine as `shared.database.make_engine` makes it, for `sqlite+aiosqlite:///PATH`."""
    engine = sqlite_engine(url, json_deserializer=from_json)
    sa.event.listen(engine.sync_engine, "do_connect", _near)
    sa.event.listen(engine.sync_engine, "connect", _without_sync)
    return engine


def _near(_dialect: object, _record: object, _args: object, options: dict[str, Any]) -> None:
    options["async_creator_fn"] = _connect


def _connect(path: str, **options: Any) -> "_Near":
    return _Near(lambda: sqlite3.connect(path, **options))


def _without_sync(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.close()


class _Now:
    """Does at once what the driver would put into its thread's queue."""

    def put_nowait(self, asked: tuple["asyncio.Future[Any] | None", Callable[[], Any]]) -> None:
        """Do it; the future, if there is one, is done then."""
        future, function = asked
        try:
            result = function()
        except Exception as error:
            if future is None:
                raise
            future.set_exception(error)
        else:
            if future is not None:
                future.set_result(result)


class _Near(aiosqlite.Connection):
    """A connection without a thread."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, 64)
        self._tx = _Now()  # type: ignore[assignment]

    def __await__(self) -> Generator[Any, None, aiosqlite.Connection]:
        return self._connect().__await__()

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if args and args[0] == _BEGIN:
            await asyncio.sleep(0)  # others get ready meanwhile, and are committed together
        return fn(*args, **kwargs)
