"""A golden JSON per event and version: what was once written must be read for ever.

A new field with a default is added to the newest file, and the file as it was stays beside it
under another number (`.v1.0`); one with the marks of a replay is `.replayed`. A change that breaks
one of these files needs a new version of the type, with a golden of its own.
"""

import json
from pathlib import Path

import pytest

from shared.events import EVENTS, CloudEvent, decode
from tests.builders import (
    classified,
    digest_delivered,
    discovered,
    parked_resolved,
    poll_completed,
    replay_finished,
    revised,
)

FOLDER = Path(__file__).parent / "events"
BUILT: tuple[CloudEvent, ...] = (
    discovered(),
    revised(),
    classified(),
    poll_completed(),
    digest_delivered(),
    parked_resolved(),
    replay_finished(),
)


def _kind(event: type[CloudEvent]) -> str:
    return str(event.model_fields["type"].default)


@pytest.mark.parametrize("event", EVENTS, ids=_kind)
def test_every_event_has_a_golden(event: type[CloudEvent]) -> None:
    assert (FOLDER / f"{_kind(event)}.json").exists()


@pytest.mark.parametrize("golden", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_a_golden_is_still_read_whole(golden: Path) -> None:
    body = json.loads(golden.read_bytes())
    event = decode(golden.read_bytes())

    written = json.loads(event.encode())
    assert _within(body, written) == []


@pytest.mark.parametrize("event", BUILT, ids=lambda event: event.type)
def test_what_is_written_today_is_what_the_golden_says(event: CloudEvent) -> None:
    golden = FOLDER / f"{_kind(type(event))}.json"

    assert json.loads(event.encode()) == json.loads(golden.read_bytes())


def _within(small: object, large: object, path: str = "") -> list[str]:
    """Paths of `small` that `large` does not hold with the same value."""
    if isinstance(small, dict) and isinstance(large, dict):
        return [
            fault
            for key, value in small.items()
            for fault in (
                _within(value, large[key], f"{path}.{key}") if key in large else [f"{path}.{key}"]
            )
        ]
    if isinstance(small, list) and isinstance(large, list) and len(small) == len(large):
        pairs = zip(small, large, strict=True)
        return [fault for i, (a, b) in enumerate(pairs) for fault in _within(a, b, f"{path}[{i}]")]
    return [] if small == large else [path]
