"""A service in a hurry: `python -m tests.chaos.hurried SERVICE FASTER`.

The services' own waits go by the real clock, also where days are simulated: retries of a message
take up to six hours, a digest's back-off four, its lease ten minutes. Here they, and the mail
server's timeouts with them, pass so many times as fast. Nothing else is other than deployed.
"""

import runpy
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from services.notifier.office import Patience
from services.notifier.senders.connection import SmtpServer
from services.notifier.settings import Settings
from shared import topology

_BEGIN = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
"""All processes count from here, or their leases would not agree."""


@contextmanager
def hurried(faster: float) -> Iterator[None]:
    """The topology as the hurried services declare it: a message's retries wait less."""
    usual = topology.RETRY_DELAYS
    waits = tuple(delay / faster for delay in usual)
    topology.RETRY_DELAYS = waits  # type: ignore[assignment]
    try:
        yield
    finally:
        topology.RETRY_DELAYS = usual


def hurry(faster: float) -> None:
    """Let the notifier's waits pass so many times as fast, in this process."""
    usual_patience, usual_server = Settings.patience, Settings.smtp_server

    def timer() -> datetime:
        return datetime.fromtimestamp(_BEGIN + (time.time() - _BEGIN) * faster, UTC)

    def patience(self: Settings) -> Patience:
        return Patience(max_wait=usual_patience(self).max_wait, timer=timer)

    def smtp_server(self: Settings) -> SmtpServer | None:
        server = usual_server(self)
        if server is None:
            return None
        return SmtpServer(
            server.host,
            server.port,
            server.tls,
            command_seconds=server.command_seconds / faster,
            total_seconds=server.total_seconds / faster,
            connections=server.connections,
            per_domain=server.per_domain,
        )

    Settings.patience = patience  # type: ignore[method-assign]
    Settings.smtp_server = smtp_server  # type: ignore[method-assign]


def main() -> None:
    service, faster = sys.argv[1], float(sys.argv[2])
    hurry(faster)
    with hurried(faster):
        runpy.run_module(f"services.{service}", run_name="__main__")


if __name__ == "__main__":
    main()
