"""A connection to a mail server: made as the settings say, and aware of how far its message got."""

from dataclasses import dataclass
from typing import Literal

import aiosmtplib
from aiosmtplib.errors import SMTPResponseException
from aiosmtplib.response import SMTPResponse
from aiosmtplib.typing import Default
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

    `awaits_answer` from the DATA command until the server has answered 2xx, 4xx or 5xx;
    `is_accepted` from a 2xx on: what goes wrong afterwards is no fault of the message.
    """

    awaits_answer = False
    is_accepted = False

    async def data(  # the signature is the library's
        self,
        message: str | bytes,
        /,
        *,
        timeout: float | Literal[Default.token] | None = Default.token,  # noqa: ASYNC109
    ) -> SMTPResponse:
        """Hand the message over; raises as the library's does."""
        self.awaits_answer = True
        try:
            answer = await super().data(message, timeout=timeout)
        except SMTPResponseException as error:
            self.awaits_answer = error.code < 400  # -1 stands for what could not be read
            raise
        self.awaits_answer, self.is_accepted = False, True
        return answer


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
