"""The demo's simulated fortnight: the same steps in one process and in Docker.

A step sets the clock and waits until everything that belongs to that instant is done: what is due
is polled, every article has arrived, every digest is sent. So a service that is killed in between
delays a step, and changes nothing else.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from services.ncbi_sim.catalogue import Catalogue
from shared.clock import read_instant

POLL_HOUR = time(4, tzinfo=UTC)
DIGEST_HOUR = time(12, tzinfo=UTC)

DEMO_KEY = "the key of the demo: everybody knows it; it protects nothing"
"""Signs the links of the demo, so that its mails are the same in one process and in Docker.

A deployment gets it with the scenario, and loses it with it: a real one makes a key of its own.
"""

CLOCK = "now"
"""The file in the scenario's folder that every service's clock reads."""


def instants(catalogue: Catalogue) -> Iterator[datetime]:
    """The instants of the scenario: each day is polled early, and digests are due by noon (UTC)."""
    head = catalogue.head
    for day in range(head.days + 1):
        date = head.day_zero + timedelta(days=day)
        yield datetime.combine(date, POLL_HOUR)
        yield datetime.combine(date, DIGEST_HOUR)


def write_clock(folder: Path, instant: datetime) -> None:
    """Show `instant` to all services; never half of it, and never an earlier one than before."""
    clock = folder / CLOCK
    if clock.exists() and read_instant(clock.read_text(encoding="ascii").strip(), clock) > instant:
        return
    fresh = folder / f".{CLOCK}"
    fresh.write_text(f"{instant.isoformat()}\n", encoding="ascii")
    fresh.chmod(0o644)
    fresh.replace(clock)


def write_scenario(folder: Path, catalogue: Catalogue, eutils_url: str) -> None:
    """Point the services that read this folder at the stand-in and at the first instant.

    The files are named like the settings they hold (`POLLER_EUTILS_URL`).
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in (
        ("poller_eutils_url", eutils_url),
        ("poller_ncbi_api_key", "demo"),  # the stand-in, as NCBI, allows 10 requests a second
        ("poller_poll_every_minutes", "1440"),
        ("notifier_secret_key", DEMO_KEY),
    ):
        (folder / name).write_text(f"{value}\n", encoding="ascii")
    write_clock(folder, next(instants(catalogue)))
