"""Mail over SMTP, and what each of a server's answers means for a digest."""

import asyncio
import re
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Literal

import aiosmtplib
from aiosmtplib.errors import (
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)
from aiosmtplib.response import SMTPResponse
from aiosmtplib.typing import Default
from pydantic import SecretStr

from services.notifier.senders import AnswerLost, RecipientRejected, wire
from shared.errors import Permanent, Retryable

Tls = Literal["none", "starttls", "tls"]

_ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_MAILBOX = {"1", "2"}
"""RFC 3463 subjects that speak of the recipient: addressing and mailbox status."""
_POLICY = "7"
"""RFC 3463 subject of security and policy: mostly a relay that does not take mail from us."""


@dataclass(frozen=True)
class SmtpServer:
    """Where mail is handed over. `command_seconds` is for one answer, `total_seconds` for all."""

    host: str
    port: int
    tls: Tls = "starttls"
    user: str | None = None
    password: SecretStr | None = None
    command_seconds: float = 30.0
    total_seconds: float = 120.0


class Client(aiosmtplib.SMTP):
    """A connection that knows how far its message got.

    `awaits_answer` from the DATA command until the server has answered 2xx, 4xx or 5xx;
    `is_accepted` from a 2xx on: what goes wrong in the farewell is no fault of the message.
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


@dataclass(frozen=True)
class SmtpSender:
    """Sends each message on a connection of its own; `mail_from` is the envelope's sender."""

    server: SmtpServer
    mail_from: str

    async def send(self, message: EmailMessage, recipient: str) -> None:
        """Return once the server has answered 250 to the message; raises as `Sender` says.

        Faults are raised without their cause: the library's carry the addresses.
        """
        client = self.client()
        try:
            async with asyncio.timeout(self.server.total_seconds), client:
                await client.sendmail(self.mail_from, [recipient], wire(message))
        except (SMTPException, OSError) as error:
            if client.is_accepted:
                return
            fault = translate(error)
        else:
            return
        raise AnswerLost(str(fault)) if client.awaits_answer else fault

    def client(self) -> Client:
        """A connection to the server, not made yet."""
        server = self.server
        return Client(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls == "tls",
            start_tls=server.tls == "starttls",
            username=server.user,
            password=server.password.get_secret_value() if server.password else None,
            timeout=server.command_seconds,
        )


def translate(error: SMTPException | OSError) -> Retryable | Permanent:
    """What a fault of the library means; the words are ours, for a server's quote addresses.

    5xx to the recipient, or to the message with an enhanced code about the recipient (RFC 3463
    X.1 and X.2), is the recipient's end. 5xx to the message otherwise ends the digest. Anything
    said to us (greeting, TLS, authentication, sender, a relay's policy X.7) may be put right by
    the operator and is tried again.
    """
    if isinstance(error, SMTPRecipientsRefused):
        return _recipient(error.recipients[0])
    if isinstance(error, SMTPRecipientRefused):
        return _recipient(error)
    if isinstance(error, SMTPDataError) and error.code >= 500:
        return _message(error)
    if isinstance(error, SMTPResponseException):
        return Retryable(f"SMTP server answered {_code(error)} to us: {_advice(error)}")
    return Retryable(f"SMTP server: {_trouble(error)}; it is tried again")


def _recipient(error: SMTPRecipientRefused) -> Retryable | Permanent:
    if error.code < 500:
        return Retryable(f"SMTP server put the recipient off with {_code(error)}")
    if _subject(error) == _POLICY:
        return Retryable(
            f"SMTP server does not relay to the recipient ({_code(error)}): "
            "check NOTIFIER_SMTP_USER, NOTIFIER_MAIL_FROM and the relay's rules"
        )
    return RecipientRejected(f"SMTP server rejected the recipient with {_code(error)}")


def _message(error: SMTPDataError) -> Permanent:
    if _subject(error) in _MAILBOX:
        return RecipientRejected(f"SMTP server rejected the recipient with {_code(error)}")
    return Permanent(f"SMTP server refused the message with {_code(error)}")


def _advice(error: SMTPResponseException) -> str:
    if error.code >= 500:
        return "check NOTIFIER_SMTP_USER, NOTIFIER_SMTP_PASSWORD and NOTIFIER_MAIL_FROM"
    return "it is tried again"


def _trouble(error: SMTPException | OSError) -> str:
    if isinstance(error, SMTPTimeoutError | TimeoutError):
        return "no answer in time"
    if isinstance(error, SMTPServerDisconnected):
        return "the connection was lost"
    if isinstance(error, OSError):
        return (
            "cannot be reached (check NOTIFIER_SMTP_HOST, NOTIFIER_SMTP_PORT and NOTIFIER_SMTP_TLS)"
        )
    return "does not offer what NOTIFIER_SMTP_TLS or NOTIFIER_SMTP_USER asks for"


def _code(error: SMTPResponseException) -> str:
    found = _ENHANCED.search(error.message)
    return f"{error.code} {found.group()}" if found else str(error.code)


def _subject(error: SMTPResponseException) -> str | None:
    found = _ENHANCED.search(error.message)
    return found.group(2) if found else None
