"""A connection to a mail server: made as the settings say, and aware of how far its message got."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import aiosmtplib
from aiosmtplib.errors import SMTPDataError, SMTPResponseException, SMTPServerDisconnected
from aiosmtplib.typing import SMTPStatus
from pydantic import SecretStr

Tls = Literal["none", "starttls", "tls"]


@dataclass(frozen=True)
class SmtpServer:
    """Where mail is handed over. `command_seconds` is for one answer, `total_seconds` for all.

    At most `connections` at once, and `per_domain` mails a second to one domain of recipients.
    """

    host: str
    port: int
    tls: Tls = "starttls"
    user: str | None = None
    password: SecretStr | None = None
    command_seconds: float = 30.0
    total_seconds: float = 120.0
    connections: int = 4
    per_domain: float = 10.0


class Connection(aiosmtplib.SMTP):
    """A connection that knows how far its message got.

    `awaits_answer` from the first octet of the message until the server has answered 2xx, 4xx or
    5xx: until 354 it has nothing. `is_accepted` from a 2xx on: what goes wrong afterwards is no
    fault of the message.
    """

    awaits_answer = False
    is_accepted = False

    async def hand_over(self, sender: str, recipient: str, content: bytes) -> None:
        """One message to one recipient; `content` has CRLF line ends. Raises as the library does.

        After a refusal the envelope is taken back (RSET), so that the next message can follow.
        """
        self.awaits_answer = self.is_accepted = False
        size = [f"size={len(content)}"] if self.supports_extension("size") else []
        try:
            await self.mail(sender, options=size)
            await self.rcpt(recipient)
            await self._take(content)
        except SMTPResponseException:
            with suppress(ConnectionError, SMTPResponseException):
                await self.rset()
            raise

    async def _take(self, content: bytes) -> None:
        begun = await self.execute_command(b"DATA")
        if begun.code != SMTPStatus.start_input:
            raise SMTPDataError(begun.code, begun.message)
        if self.protocol is None:
            raise SMTPServerDisconnected("Connection lost")
        self.awaits_answer = True
        self.protocol.write(stuffed(content))
        answer = await self.protocol.read_response(timeout=self.timeout)
        if answer.code >= 400:  # -1 stands for what could not be read
            self.awaits_answer = False
        if answer.code != SMTPStatus.completed:
            raise SMTPDataError(answer.code, answer.message)
        self.awaits_answer, self.is_accepted = False, True


def stuffed(content: bytes) -> bytes:
    """A message as DATA takes it: a dot before each line's own, and one at the end (4.5.2)."""
    end = b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n"
    first = b"." if content.startswith(b".") else b""
    return b"".join([first, content.replace(b"\n.", b"\n.."), end])


def connection(server: SmtpServer) -> Connection:
    """A connection to the server, not made yet."""
    return Connection(
        hostname=server.host,
        port=server.port,
        use_tls=server.tls == "tls",
        start_tls=server.tls == "starttls",
        username=server.user,
        password=server.password.get_secret_value() if server.password else None,
        timeout=server.command_seconds,
    )
