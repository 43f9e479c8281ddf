"""Which parked messages are meant, and which of them may go back."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.console.parked.message import LIVE, Parked
from shared.errors import ConfigurationError
from shared.topology import CONSUMERS

FAILS_AGAIN = ("permanent", "killer")
"""Reasons that putting a message back does not mend; it is refused unless forced.

A bug is not among them: it is parked at once, so what is put back was waiting for its mending.
"""

LEAST = 4
"""Characters of an id that is cut short: fewer are a slip of the hand."""


@dataclass(frozen=True)
class Filter:
    """What was asked for. Each part that is given must fit; without any, everything does."""

    ids: tuple[str, ...] = ()
    queue: str | None = None
    reason: str | None = None
    type: str | None = None
    pmid: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all was asked for."""
        return self == Filter()


@dataclass(frozen=True)
class Chosen:
    """What is meant: `to_go`, and `refused` for its reason."""

    to_go: tuple[Parked, ...]
    refused: tuple[Parked, ...] = ()


def consumers(queue: str | None) -> tuple[str, ...]:
    """The consumers meant by the name of a consumer, or of its parking; all without one.

    Raises:
        ConfigurationError: there is none of that name.
    """
    known = {name: one.name for one in CONSUMERS for name in (one.name, one.parked)}
    if queue is None:
        return tuple(one.name for one in CONSUMERS)
    if queue not in known:
        names = ", ".join(one.name for one in CONSUMERS)
        raise ConfigurationError(f"there is no parking of {queue!r}: known are {names}")
    return (known[queue],)


def choose(parked: Sequence[Parked], wanted: Filter) -> tuple[Parked, ...]:
    """Those that are asked for, in the order they were parked in.

    Raises:
        ConfigurationError: an id fits none, or several messages.
    """
    meant = {key for part in wanted.ids for key in _named(parked, part)}
    found = [one for one in parked if _fits(one, wanted) and (not wanted.ids or one.key in meant)]
    return tuple(sorted(found, key=lambda one: (one.parked_at is not None, str(one.parked_at))))


def may_go(chosen: Sequence[Parked], *, forced: bool) -> Chosen:
    """Those that may be put back, and those that would only fail again."""
    if forced:
        return Chosen(tuple(chosen))
    refused = tuple(one for one in chosen if one.reason in FAILS_AGAIN)
    return Chosen(tuple(one for one in chosen if one.reason not in FAILS_AGAIN), refused)


def _fits(one: Parked, wanted: Filter) -> bool:
    return (
        one.consumer in consumers(wanted.queue)
        and wanted.reason in (None, one.reason)
        and wanted.type in (None, one.type)
        and wanted.pmid in (None, one.pmid)
    )


def _named(parked: Sequence[Parked], part: str) -> set[tuple[str, str]]:
    """The keys of what has that id, or one that begins so."""
    whole = {one.key for one in parked if part in one.names}
    if whole:
        return _one_name(part, whole, "is there live and by a replay (or twice over): name")
    if len(part) < LEAST:
        raise ConfigurationError(
            f"{part!r} is too short: give {LEAST} characters of an id at least"
        )
    found = {one.key for one in parked if any(name.startswith(part) for name in one.names)}
    if not found:
        raise ConfigurationError(f"no parked message {part!r}: see `carillon parked --each`")
    return _one_name(part, found, "is the beginning of several:")


def _one_name(part: str, found: set[tuple[str, str]], several: str) -> set[tuple[str, str]]:
    """The keys, all of one message. A replay's copy is another one than the live message."""
    names = {name for _, name in found}
    if len(names) > 1:
        known = sorted(name if "+" in name else f"{name}+{LIVE}" for name in names)
        raise ConfigurationError(f"{part!r} {several} {', '.join(known[:5])}")
    return found
