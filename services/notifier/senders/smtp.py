"""Mail over SMTP, and what each of a server's answers means for a digest."""

import asyncio
import re

from aiosmtplib.errors import (
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from services.notifier.senders import AnswerLost, Package, RecipientRejected, Target
from services.notifier.senders.connection import Connection, SmtpServer, Tls, connection
from services.notifier.senders.pace import Buckets, Pace
from services.notifier.senders.pool import IDLE_SECONDS, Held, Pool
from shared.errors import Permanent, Retryable

__all__ = ["SmtpSender", "SmtpServer", "Tls", "connection", "translate"]

_ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_MAILBOX = {"1", "2"}
"""RFC 3463 subjects that speak of the recipient: addressing and mailbox status."""
_ABOUT_US = {("1", "7"), ("1", "8")}
"""Of these two, what speaks of the sender's address; Postfix says so only after RCPT."""
_FULL = ("2", "2")
_TOO_LONG = ("2", "3")
"""The message is longer than this mailbox takes."""
_POLICY = {"5", "7"}
"""RFC 3463 subjects of protocol, and of security and policy: mostly a relay that does not take mail
from us, or wants us to log in first."""
_TO_US = {500, 501, 502, 503, 504, 530, 535, 538}
"""Codes about how we speak, or that we have to log in (RFC 5321, 4.2.3; RFC 4954, 6)."""


class SmtpSender:
    """Sends mails over a few connections; `mail_from` is the envelope's sender by default."""

    def __init__(
        self,
        server: SmtpServer,
        mail_from: str,
        pace: Pace | None = None,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self.server = server
        self.mail_from = mail_from
        self._pool = Pool(self._connected, server.connections, idle_seconds)
        rate = server.per_domain
        self._pace = pace or Pace(Buckets(rate, burst=max(1.0, rate)))

    @property
    def flights(self) -> int:
        """Four for each connection: while one is on its way, others are made ready or recorded."""
        return 4 * self.server.connections

    async def send(self, package: Package, target: Target) -> None:
        """Return once the server has answered 250 to the message; raises as `Sender` says.

        Faults are raised without their cause: the library's carry the addresses.
        """
        await self._pace.turn(target.address.rpartition("@")[2].lower())
        async with self._pool.room():
            await self._try(package, target)

    async def rest(self) -> None:
        """Close the connections that have been idle for long."""
        await self._pool.rest()

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

    async def _try(self, package: Package, target: Target) -> None:
        """One hand-over; once more at once when a connection turns out to have gone meanwhile."""
        attempt = _Attempt()
        try:
            async with asyncio.timeout(self.server.total_seconds):
                try:
                    await self._over(attempt, package, target, fresh=False)
                except (SMTPException, OSError) as error:
                    if not attempt.was_stale(error):
                        raise
                    await self._over(attempt, package, target, fresh=True)
        except (SMTPException, OSError) as error:
            if attempt.is_accepted:
                return
            fault = translate(error)
        else:
            return
        raise AnswerLost(str(fault)) if attempt.awaits_answer else fault

    async def _over(
        self, attempt: "_Attempt", package: Package, target: Target, *, fresh: bool
    ) -> None:
        attempt.held = None
        held = attempt.held = await self._pool.take(fresh=fresh)
        sender = target.bounce_to or self.mail_from
        is_sound = False
        try:
            await held.wire.hand_over(sender, target.address, package.content)
            is_sound = True
        except SMTPResponseException as error:
            is_sound = _says_no(error)
            raise
        finally:
            if is_sound:
                await self._pool.give_back(held)
            else:  # nobody knows what state the server is in: the next message begins anew
                held.wire.close()

    async def _connected(self) -> Connection:
        made = connection(self.server)
        try:
            await made.connect()
        except BaseException:
            made.close()
            raise
        return made


class _Attempt:
    """One hand-over of a message, over one connection or, when that had gone, a second one."""

    held: Held | None = None

    @property
    def awaits_answer(self) -> bool:
        return self.held is not None and self.held.wire.awaits_answer

    @property
    def is_accepted(self) -> bool:
        return self.held is not None and self.held.wire.is_accepted

    def was_stale(self, error: Exception) -> bool:
        """Whether a connection used before had been closed by the server, before our message."""
        if self.held is None or not self.held.is_used or self.awaits_answer or self.is_accepted:
            return False
        is_closing = isinstance(error, SMTPResponseException) and error.code == 421
        return is_closing or isinstance(error, SMTPServerDisconnected | ConnectionError)


def _says_no(error: SMTPResponseException) -> bool:
    """Whether the server refused clearly and goes on: 421 is its farewell (RFC 5321, 3.8)."""
    return error.code >= 400 and error.code != 421


def translate(error: SMTPException | OSError) -> Retryable | Permanent:
    """What a fault of the library means; the words are ours, for a server's quote addresses.

    5xx to the recipient, or to the message with an enhanced code about the recipient (RFC 3463
    X.1 and X.2), is the recipient's end; but a full mailbox is emptied some day. 5xx to the message
    otherwise ends the digest. Anything said to us, after RCPT too (greeting, TLS, authentication,
    sender X.1.7 and X.1.8, protocol X.5, a relay's policy X.7), may be put right by the operator
    and is tried again: else one wrong setting would end every subscription for good.
    """
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
    subject = _subject(error)
    is_to_us = subject is None and error.code in _TO_US
    if is_to_us or subject in _ABOUT_US or (subject and subject[0] in _POLICY):
        return Retryable(
            f"SMTP server does not relay to the recipient ({_code(error)}): "
            "check NOTIFIER_SMTP_USER, NOTIFIER_MAIL_FROM and the relay's rules"
        )
    return _mailbox(error, subject)


def _mailbox(
    error: SMTPResponseException, subject: tuple[str, str] | None
) -> Retryable | Permanent:
    if subject == _FULL:
        return Retryable(f"SMTP server: the recipient's mailbox is full ({_code(error)})")
    return RecipientRejected(f"SMTP server rejected the recipient with {_code(error)}")


def _message(error: SMTPDataError) -> Retryable | Permanent:
    subject = _subject(error)
    if subject in _ABOUT_US:
        return Retryable(f"SMTP server answered {_code(error)} to us: {_advice(error)}")
    if subject and subject[0] in _MAILBOX and subject != _TOO_LONG:
        return _mailbox(error, subject)
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


def _subject(error: SMTPResponseException) -> tuple[str, str] | None:
    """Subject and detail of the enhanced code: what the answer is about."""
    found = _ENHANCED.search(error.message)
    return (found.group(2), found.group(3)) if found else None
