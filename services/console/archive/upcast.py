"""What was recorded under an older version of the schema, as today's code knows it.

Within a version events only gain fields, which default. A new version of a type comes with one
function here that makes it of the version before; they are applied one after the other.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import from_json, to_json

from shared.events import EVENTS, Event, Undecodable, decode

Upcast = Callable[[dict[str, Any]], dict[str, Any]]
"""Makes an event's JSON one of a later version, with its new `type`."""

UPCASTERS: Mapping[str, Upcast] = {}
"""By the type they read. Every type is at its first version so far."""

KNOWN = frozenset(str(event.model_fields["type"].default) for event in EVENTS)
"""The types that today's code reads."""


class TooNew(Undecodable):
    """It was recorded by a newer Carillon than this one."""


def read_event(
    body: bytes,
    upcasters: Mapping[str, Upcast] = UPCASTERS,
    read: Callable[[bytes], Event] = decode,
) -> Event:
    """The event in a recorded body, whatever version wrote it.

    Raises:
        TooNew: its version is later than any that is known.
        Undecodable: as `shared.events.decode`.
    """
    try:
        return read(body)
    except Undecodable:
        if (today := upcast(body, upcasters)) is body:
            raise
        return read(today)


def upcast(body: bytes, upcasters: Mapping[str, Upcast] = UPCASTERS) -> bytes:
    """The body as today's version of its type; untouched where it is that already.

    Raises:
        TooNew, Undecodable: there is no way from its type to one that is known.
    """
    event = _parsed(body)
    if (kind := event.get("type")) in KNOWN:
        return body
    while kind not in KNOWN:
        if not isinstance(kind, str) or kind not in upcasters:
            raise _unknown(kind)
        event = upcasters[kind](event)
        kind, before = event.get("type"), kind
        if kind == before:
            raise Undecodable(f"the upcaster of {kind} left the type as it was: that is a defect")
    return to_json(event)


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        event = from_json(body)
    except ValueError as error:
        raise Undecodable(f"not a Carillon event: not JSON ({error})") from error
    if not isinstance(event, dict):
        raise Undecodable("not a Carillon event: not a JSON object")
    return event


def _unknown(kind: object) -> Undecodable:
    name, version = versioned(kind) if isinstance(kind, str) else ("", 0)
    newest = newest_versions().get(name)
    if newest and version > newest:
        return TooNew(
            f"{kind} was recorded by a newer Carillon: this one reads up to version {newest}"
        )
    return Undecodable(f"not a Carillon event: type {kind!r} is not known")


def versioned(kind: str) -> tuple[str, int]:
    """The name and version of a type: ("carillon.poll.completed", 1); version 0 if it has none."""
    name, _, version = kind.rpartition(".v")
    return (name, int(version)) if name and version.isdecimal() else (kind, 0)


def newest_versions() -> dict[str, int]:
    """The newest version of each type that is read, by its name."""
    newest: dict[str, int] = {}
    for name, version in map(versioned, sorted(KNOWN)):
        newest[name] = max(version, newest.get(name, 0))
    return newest
