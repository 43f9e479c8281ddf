"""What the services' logs say about bugs: lines of JSON are read, anything else is a finding."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

BUGS = frozenset(
    {
        "step_failed",
        "digest_delivery_broke",
        "digest_hand_over_broke",
        "letter_delivery_broke",
    }
)
"""Events that say: something was raised that nobody had thought of."""

PERMITTED = ("carillon: ",)
"""How lines begin that are no JSON and no bug: a setting that cannot be used."""


@dataclass(frozen=True)
class Findings:
    """What logs say. `events` counts lines by event name; `bugs` has the lines, shortened."""

    events: Counter[str]
    bugs: tuple[str, ...]


def findings(files: Iterable[Path]) -> Findings:
    """Read logs; a last line that was broken off by a SIGKILL is passed over.

    Bugs are errors with an exception, lines with one of `BUGS`, parked messages whose reason is
    "bug", and whatever is no JSON, such as a bare traceback.
    """
    events: Counter[str] = Counter()
    bugs: list[str] = []
    for file in sorted(files):
        text = file.read_text(encoding="utf-8", errors="replace")
        whole = text[: text.rfind("\n") + 1]
        for line in whole.splitlines():
            event = _event(line)
            events[str(event.get("event", "?"))] += 1
            if _is_bug(event):
                bugs.append(f"{file.name}: {line[:2_000]}")
    return Findings(events, tuple(bugs))


def _event(line: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    return {"event": "settings" if line.startswith(PERMITTED) else "no_json"}


def _is_bug(event: dict[str, object]) -> bool:
    name = event.get("event")
    is_parked_bug = name == "message_parked" and event.get("reason") == "bug"
    # The broker's client logs the end of a connection with its traceback, as a warning.
    is_raised = "exception" in event and event.get("level") in {"error", "critical"}
    is_raised = is_raised and not _is_broken_off(event)
    return name in BUGS or name == "no_json" or is_raised or is_parked_bug


def _is_broken_off(event: dict[str, object]) -> bool:
    """Whether the database's pool says that our own time limit ended the closing of a connection.

    A frozen database answers nothing, and a service that is told to stop does not wait for it.
    """
    closing = str(event.get("event")).startswith("Exception closing connection")
    raised = event.get("exception")
    last = raised[-1] if isinstance(raised, list) and raised else {}
    return closing and isinstance(last, dict) and last.get("exc_type") == "CancelledError"
