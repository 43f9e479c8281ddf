"""Where the time comes from: always a parameter, so that a simulated day is an ordinary one."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from shared.errors import ConfigurationError

Clock = Callable[[], datetime]
"""Gives the present instant, aware and in UTC."""


def system_clock() -> datetime:
    """The machine's time."""
    return datetime.now(UTC)


def file_clock(path: Path) -> Clock:
    """A clock that shows the ISO 8601 instant written in a file, and the machine's without it.

    The demo steps this file through its simulated days, for all services at once.

    Raises:
        ConfigurationError: (by the clock) the file holds no aware instant.
    """

    def now() -> datetime:
        try:
            text = path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return system_clock()
        return read_instant(text, path)

    return now


def read_instant(text: str, path: Path) -> datetime:
    """An aware instant in UTC from ISO 8601 text found in `path`."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise ConfigurationError(
            f"{path}: {text!r} is not an ISO 8601 instant with an offset "
            "(like 2026-09-07T05:00:00+00:00); correct or remove the file"
        )
    return instant.astimezone(UTC)


def clock_from(path: Path | None) -> Clock:
    """The file's clock where a file is configured, else the machine's."""
    return file_clock(path) if path else system_clock
