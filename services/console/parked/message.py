"""A parked message as it is found: its names, why it is parked, and where it came from."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.console.parked.travel import as_named
from shared.parking import deaths, instant, why

HASHED = 16
"""Hex digits of the body's hash that stand for a message without an id."""
LIVE = "live"
"""Stands behind the + for what no replay brought."""
_NAME = re.compile(r"[!-~]{1,100}")
_SHOWN = 300
"""Characters of an error that are kept of each of many messages."""


@dataclass(frozen=True)
class Parked:
    """What an operator chooses by. Body and traceback are left where they are.

    `names` are all that it can be asked for by, the one shown (`id`) first; each of them may be
    cut short. `type` is empty for what is no event. `redriven` is how often it was put back, and
    `replay_id` names the replay that brought it, if one did: its event's id is that of the live
    one, which may be parked beside it, so it is shown as "event+replay".
    """

    consumer: str
    names: tuple[str, ...]
    type: str
    pmid: int | None
    reason: str
    error: str
    attempts: int
    first_failed_at: datetime | None
    parked_at: datetime | None
    redriven: int = 0
    replay_id: str = ""

    @property
    def id(self) -> str:
        """The event's id; else the message's; else the beginning of the body's hash."""
        return self.names[0]

    @property
    def event_id(self) -> str:
        """The same without the replay that brought it."""
        return self.id.removesuffix(f"+{self.replay_id}")

    @property
    def key(self) -> tuple[str, str]:
        """The same for copies of one message: parking is at least once."""
        return self.consumer, self.id


@dataclass(frozen=True)
class Whole:
    """One message with all that came with it; `origin` is its exchange and routing key."""

    parked: Parked
    body: bytes
    headers: Mapping[str, Any]
    traceback: str
    origin: tuple[str, str]


def read(consumer: str, body: bytes, message_id: str | None, headers: Mapping[str, Any]) -> Parked:
    """What is told of a message, whatever its body and headers are."""
    content = _content(body)
    since, reason, error = why(headers)
    return Parked(
        consumer=consumer,
        names=_names(content, body, message_id),
        type=_text(content.get("type")),
        pmid=_pmid(content),
        reason=reason,
        error=error[:_SHOWN],
        attempts=_attempts(headers),
        first_failed_at=instant(headers.get("carillon-first-failed-at")) or since,
        parked_at=since,
        redriven=_number(headers.get("carillon-redriven")),
        replay_id=_text(content.get("replayid")),
    )


def origin(headers: Mapping[str, Any]) -> tuple[str, str]:
    """Exchange and routing key that it was first published with; "" for what nobody noted.

    What the broker parked by itself has them in `x-death`, of which the last entry is the oldest
    (https://www.rabbitmq.com/docs/dlx#effects).
    """
    if "carillon-origin-routing-key" in headers:
        found = headers.get("carillon-origin-exchange", ""), headers["carillon-origin-routing-key"]
        return str(found[0]), str(found[1])
    death = deaths(headers)[-1]
    keys = death.get("routing-keys")
    key = keys[0] if isinstance(keys, list) and keys else ""
    return str(death.get("exchange", "")), str(key)


def _content(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _names(content: dict[str, Any], body: bytes, message_id: str | None) -> tuple[str, ...]:
    event, message = _text(content.get("id")), _text(as_named(message_id))
    replay = _text(content.get("replayid"))
    shown = [f"{event}+{replay}", event] if replay else [event, f"{event}+{LIVE}"]
    hashed = hashlib.sha256(body).hexdigest()[:HASHED]
    return tuple(dict.fromkeys(filter(None, [*(shown if event else ()), message, hashed])))


def _text(value: object) -> str:
    """A name as it stands; "" for what could not be typed, or would spoil a terminal."""
    return value if isinstance(value, str) and _NAME.fullmatch(value) else ""


def _pmid(content: dict[str, Any]) -> int | None:
    data = content.get("data")
    article = data.get("article") if isinstance(data, dict) else None
    found = article.get("pmid") if isinstance(article, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _attempts(headers: Mapping[str, Any]) -> int:
    """Our own account; the broker's, where it parked it by itself."""
    death = deaths(headers)[0]
    return _number(headers.get("carillon-attempt", death.get("count")))


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
