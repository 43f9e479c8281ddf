"""What goes back with a message, and what of its past must stay behind."""

import re
from collections.abc import Mapping
from typing import Any

_OURS = "carillon-"
_BROKERS = ("x-death", "x-first-death", "x-last-death", "x-delivery-count", "x-acquired-count")
_TRACE = ("traceparent", "tracestate", "baggage")
_INVENTED = re.compile(r"[0-9a-f]{32}")
"""What aiormq puts where a message has no id; the ids of our events have dashes."""


def travelling(headers: Mapping[str, Any], origin: tuple[str, str]) -> dict[str, Any]:
    """The headers of a message that is put back.

    Business headers are kept. Attempts, reasons, dead-letter accounts and delivery counts stay
    behind: with them it would fail at once. Of our own, the origin stays, so that it is still
    known when the message is parked again, and how often it was put back.
    """
    kept = {key: value for key, value in headers.items() if not _stays(key)}
    before = headers.get("carillon-redriven", 0)
    return kept | {
        "carillon-origin-exchange": origin[0],
        "carillon-origin-routing-key": origin[1],
        "carillon-redriven": (before if isinstance(before, int) else 0) + 1,
    }


def as_named(message_id: str | None) -> str | None:
    """The id its sender gave it; none for what the client library put in its place."""
    return None if message_id is None or _INVENTED.fullmatch(message_id) else message_id


def _stays(key: str) -> bool:
    name = key.lower()
    return name.startswith((_OURS, *_BROKERS)) or name in _TRACE
