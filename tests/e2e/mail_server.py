"""An operator's mail server, in a container: STARTTLS and a password, or it takes nothing.

What it takes is in `/mail`, one file a message, in the order in which they came.
"""

import asyncio
import ssl
from itertools import count
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult

USER, PASSWORD = b"carillon", b"the-password-of-the-mail-server"
PORT = 587


class Keep:
    """Keeps each message; a whole one only."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._number = folder, count()
        folder.mkdir(exist_ok=True)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        fresh = self._folder / f".{next(self._number):05}"
        fresh.write_bytes(envelope.content)
        fresh.rename(self._folder / fresh.name.removeprefix("."))
        return "250 OK"


def admitted(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    """Who may send."""
    good = (data.login, data.password) == (USER, PASSWORD)
    return AuthResult(success=good, handled=good)


async def main() -> None:
    """Serve until the container is stopped."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain("/tls/mail.pem", "/tls/mail.key")
    keep, loop = Keep(Path("/mail")), asyncio.get_running_loop()

    def session() -> SMTP:
        return SMTP(
            keep, hostname="mail.example.org", loop=loop, tls_context=tls, require_starttls=True,
            authenticator=admitted, auth_required=True,
        )  # fmt: skip

    async with await loop.create_server(session, port=PORT) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
