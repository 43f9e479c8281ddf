"""Errors of the database without the values that were in hand.

`hide_parameters` of SQLAlchemy keeps ours out of its words; PostgreSQL and its driver quote them
again: the whole row in the DETAIL of a broken constraint, the value that fits no type. Such words
go into logs and into the headers of parked messages, and addresses stand in rows.
"""

import re
from collections.abc import Iterator

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

_DETAILS = re.compile(r"\n(?:DETAIL|HINT|CONTEXT|QUERY):.*", re.DOTALL)
_QUOTING = "22"
"""How SQLSTATEs begin whose very message has the value: data exceptions."""


def keep_values_out(engine: AsyncEngine) -> None:
    """Shorten every error of this engine's to its kind, and what names no value."""
    sa.event.listen(engine.sync_engine, "handle_error", _shorten)


def _shorten(context: sa.engine.ExceptionContext) -> None:
    if context.sqlalchemy_exception is None:
        return  # a connection that is lost, or a task that is cancelled: no word of a row
    chain = list(_chain(context.original_exception))
    quoted = any(map(_quotes, chain))
    for one in (*chain, context.sqlalchemy_exception):
        text = _DETAILS.sub("", str(one.args[0]) if one.args else "")
        one.args = ("a value does not fit",) if quoted else (text,)
        if isinstance(one, asyncpg.PostgresError):
            one.detail = None


def _quotes(error: BaseException) -> bool:
    """Whether its first line has a value; what the driver cannot write is a ValueError too."""
    if isinstance(error, asyncpg.InterfaceError):
        return isinstance(error, ValueError)
    return (getattr(error, "sqlstate", None) or "").startswith(_QUOTING)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
