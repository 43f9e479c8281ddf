"""Where the points are: hung onto the libraries of this process, from outside; for good.

Only a process that is about to live one life calls `hang_on`. Production code knows nothing of it:
SQLAlchemy, aiormq, aiosmtplib and httpx are where a service's bytes leave it and answers come in.
"""

import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import aiormq
import aiosmtplib
import httpx
import sqlalchemy as sa
from aiosmtplib.protocol import SMTPProtocol
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine import Engine

from tests.chaos.crash.points import Points

DELIVERED, ACKED = "a message arrives", "after an acknowledgement"

_VERB = re.compile(r"\s*(\w+)")
_TABLE = re.compile(
    r"\b(?:FROM|INTO|UPDATE)\s+((?:poller|classifier|notifier)\.\w+)", re.IGNORECASE
)
_COMMANDS = {b"EHLO", b"MAIL", b"RCPT", b"DATA", b"RSET", b"QUIT"}
_END_OF_MESSAGE = b"\r\n.\r\n"


def hang_on(points: Points) -> None:
    """Let every step that can be told apart from outside be a point."""
    _on_statements_and_commits(points)
    _on_messages(points)
    _on_mail(points)
    _on_questions(points)


def named(statement: str) -> str:
    """A statement by its verb and its first table: "INSERT notifier.ledger"."""
    verb, table = _VERB.match(statement), _TABLE.search(statement)
    if verb is None:
        return "?"
    return " ".join([verb.group(1).upper(), *([table.group(1)] if table else [])])


def _on_statements_and_commits(points: Points) -> None:
    written: dict[int, set[str]] = defaultdict(set)

    def before(connection: sa.Connection, _cursor: Any, statement: str, *_more: Any) -> None:
        name = named(statement)
        if not name.startswith("SELECT"):
            written[_of(connection.connection)].add(name.partition(" ")[2])
        points(f"before {name}")

    def after(_connection: sa.Connection, _cursor: Any, statement: str, *_more: Any) -> None:
        points(f"after {named(statement)}")

    commit: Any = PGDialect_asyncpg.do_commit

    def do_commit(dialect: PGDialect_asyncpg, connection: Any) -> None:
        what = ", ".join(sorted(filter(None, written.pop(_of(connection), set()))))
        points(f"before COMMIT of {what or 'nothing'}")
        commit(dialect, connection)
        points(f"after COMMIT of {what or 'nothing'}")

    sa.event.listen(Engine, "before_cursor_execute", before)
    sa.event.listen(Engine, "after_cursor_execute", after)
    _put(PGDialect_asyncpg, "do_commit", do_commit)


def _of(connection: Any) -> int:
    """The driver's connection behind SQLAlchemy's, by its identity."""
    return id(getattr(connection, "dbapi_connection", connection))


def _on_messages(points: Points) -> None:
    channel = aiormq.channel.Channel
    _around(points, channel, "basic_publish", "a publish", after="after the publish is confirmed")
    _around(points, channel, "basic_ack", "an acknowledgement", after=ACKED)
    _around(points, channel, "basic_reject", "a rejection")
    _before(points, channel, "_on_deliver_frame", DELIVERED)
    _before(points, channel, "_confirm_delivery", "a confirm arrives")


def _on_mail(points: Points) -> None:
    _around(points, aiosmtplib.SMTP, "connect", "SMTP connect")
    command, write, read = (
        SMTPProtocol.execute_command,
        SMTPProtocol.write,
        SMTPProtocol.read_response,
    )
    awaiting: set[int] = set()

    async def execute_command(protocol: SMTPProtocol, *words: bytes, **more: Any) -> Any:
        verb = words[0].upper()
        name = f"SMTP {verb.decode()}"
        if verb in _COMMANDS:
            points(f"before {name}")
        answer = await command(protocol, *words, **more)
        if verb in _COMMANDS:
            points(f"after {name}")
        return answer

    def write_all(protocol: SMTPProtocol, data: bytes) -> None:
        is_message = data.endswith(_END_OF_MESSAGE)
        if is_message:
            points("before SMTP message")
        write(protocol, data)
        if is_message:
            awaiting.add(id(protocol))
            points("after SMTP message")

    async def read_response(protocol: SMTPProtocol, **more: Any) -> Any:
        answer = await read(protocol, **more)
        if id(protocol) in awaiting:
            awaiting.discard(id(protocol))
            points("after SMTP acceptance")
        return answer

    _put(SMTPProtocol, "execute_command", execute_command)
    _put(SMTPProtocol, "write", write_all)
    _put(SMTPProtocol, "read_response", read_response)


def _on_questions(points: Points) -> None:
    send = httpx.AsyncClient.send

    async def ask(client: httpx.AsyncClient, request: httpx.Request, **more: Any) -> Any:
        name = request.url.path.rpartition("/")[2]
        points(f"before asking {name}")
        answer = await send(client, request, **more)
        points(f"after asking {name}")
        return answer

    _put(httpx.AsyncClient, "send", ask)


def _around(points: Points, owner: type, method: str, name: str, after: str | None = None) -> None:
    original = getattr(owner, method)

    async def around(self: Any, *given: Any, **more: Any) -> Any:
        points(f"before {name}")
        answer = await original(self, *given, **more)
        points(after or f"after {name}")
        return answer

    _put(owner, method, around)


def _before(points: Points, owner: type, method: str, name: str) -> None:
    original: Callable[..., Any] = getattr(owner, method)

    def first(self: Any, *given: Any, **more: Any) -> Any:
        points(name)
        return original(self, *given, **more)

    _put(owner, method, first)


def _put(owner: type, method: str, replacement: Callable[..., Any]) -> None:
    setattr(owner, method, replacement)
