"""The mail server: as far as a mail comes before its first recipient. Nothing is sent."""

import ssl
from email.utils import parseaddr

import aiosmtplib
from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPException,
    SMTPResponseException,
    SMTPSenderRefused,
)

from services.console.doctor.rules.outside import Smtp, SmtpFault
from services.notifier.senders.connection import SmtpServer

_SECONDS = 8.0
_LOGIN_WANTED = {530, 534, 535, 538}
"""Replies about authentication (RFC 4954, section 6)."""


async def gather(server: SmtpServer, mail_from: str) -> Smtp:
    """Connect, secure, log in, say from whom, and take it back."""
    fault = await _fault(server, parseaddr(mail_from)[1])
    return Smtp(server.host, server.port, *(fault or (None, "")))


async def _fault(server: SmtpServer, sender: str) -> tuple[SmtpFault, str] | None:
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.tls == "tls",
        start_tls=False,
        timeout=_SECONDS,
    )
    try:
        await client.connect()
        if server.tls == "starttls":
            await client.ehlo()
            if not client.supports_extension("starttls"):
                return "no-starttls", "the server offers no STARTTLS"
            await client.starttls()
        return await _accepted(client, server, sender)
    except (SMTPException, OSError, ValueError) as error:
        return _broken(error, server)
    finally:
        client.close()


async def _accepted(
    client: aiosmtplib.SMTP, server: SmtpServer, sender: str
) -> tuple[SmtpFault, str] | None:
    try:
        if server.user and server.password:
            await client.login(server.user, server.password.get_secret_value())
        await client.mail(sender)
        await client.rset()
        await client.quit()
    except SMTPAuthenticationError as error:
        return "login", f"user and password are refused ({error.code})"
    except SMTPSenderRefused as error:
        if error.code in _LOGIN_WANTED:
            return "login", f"the server takes no mail without a login ({error.code})"
        return "sender", f"it takes no mail from NOTIFIER_MAIL_FROM ({error.code})"
    except SMTPResponseException as error:
        return "login", f"the server answers {error.code} to what we say before a mail"
    except SMTPException as error:
        if server.user:
            return "login", f"no way to log in that both know ({type(error).__name__})"
        raise
    return None


def _broken(error: Exception, server: SmtpServer) -> tuple[SmtpFault, str]:
    chain = [error, error.__cause__, error.__context__]
    verification = next((e for e in chain if isinstance(e, ssl.SSLCertVerificationError)), None)
    if verification is not None:
        return "certificate", f"its certificate is not believed: {verification.verify_message}"
    if any(isinstance(one, ssl.SSLError) for one in chain):
        return "tls", f"no TLS can be spoken on port {server.port}"
    names = [type(one).__name__ for one in chain if one is not None]
    return "unreachable", f"no connection ({names[-1]})"
