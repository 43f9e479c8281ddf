"""The simulated now."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from shared.errors import ConfigurationError


def system_now() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


def file_clock(path: Path, otherwise: Callable[[], datetime]) -> Callable[[], datetime]:
    """A clock that reads its time from a file at each call, or asks `otherwise` without a file.

    An instant without an offset is UTC. The clock raises ConfigurationError for anything else.
    """

    def now() -> datetime:
        try:
            text = path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return otherwise()
        return _instant(text, path)

    return now


def _instant(text: str, path: Path) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"clock file {path} holds {text[:40]!r}; write an ISO 8601 instant into it"
        ) from error
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant
