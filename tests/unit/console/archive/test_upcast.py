"""What older versions recorded is read; what a newer one recorded is refused with the reason."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from services.console.archive.upcast import TooNew, read_event, upcast
from shared.events import EVENTS, CloudEvent, Undecodable
from tests.builders import discovered

GOLDENS = Path(__file__).parents[3] / "contract" / "events"
CLASSES = {str(event.model_fields["type"].default): event for event in EVENTS}


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for arg in getattr(annotation, "__args__", ()) for m in _models(arg)]


def _oldest(value: Any, model: type[BaseModel]) -> Any:
    """Only what a reader cannot do without: every field that could have been added later is off."""
    kept = {}
    for name, field in model.model_fields.items():
        if name not in value or not (field.is_required() or name in ("type", "specversion")):
            continue
        kept[name] = value[name]
        for inner in _models(field.annotation)[:1]:
            many = isinstance(value[name], list)
            kept[name] = (
                [_oldest(one, inner) for one in value[name]] if many
                else _oldest(value[name], inner)
            )  # fmt: skip
    return kept


@pytest.mark.parametrize("golden", sorted(GOLDENS.glob("*.json")), ids=lambda path: path.stem)
def test_an_event_without_any_field_that_was_added_later_is_read(golden: Path) -> None:
    body = json.loads(golden.read_bytes())
    oldest = _oldest(body, CLASSES[body["type"]])

    event: CloudEvent = read_event(json.dumps(oldest).encode())

    assert (event.id, event.subject) == (body["id"], body["subject"])
    assert len(json.dumps(oldest)) < len(json.dumps(body))
    assert TypeAdapter(dict).validate_json(event.encode())["type"] == body["type"]


def test_what_is_of_today_is_left_as_it_is() -> None:
    body = discovered().encode()
    assert upcast(body) is body


def _found(kind: str) -> bytes:
    """As an imagined older Carillon wrote it: the article was a `paper`, the topic a `watch`."""
    event = json.loads(discovered().encode())
    data = event["data"]
    data["paper"], data["watch"] = data.pop("article"), data.pop("topic")
    return json.dumps(event | {"type": kind}).encode()


def _second(event: dict[str, Any]) -> dict[str, Any]:
    data = dict(event["data"])
    data["article"] = data.pop("paper")
    return event | {"type": "carillon.paper.found.v2", "data": data}


def _today(event: dict[str, Any]) -> dict[str, Any]:
    data = dict(event["data"])
    data["topic"] = data.pop("watch")
    return event | {"type": "carillon.article.discovered.v1", "data": data}


STEPS = {"carillon.paper.found.v1": _second, "carillon.paper.found.v2": _today}


def test_older_versions_are_made_todays_one_step_after_the_other() -> None:
    assert read_event(_found("carillon.paper.found.v1"), STEPS) == discovered()


def test_a_missing_step_is_said() -> None:
    with pytest.raises(Undecodable, match=r"carillon\.paper\.found\.v1"):
        read_event(_found("carillon.paper.found.v1"), {"carillon.paper.found.v2": _today})


def test_a_step_that_goes_nowhere_does_not_go_on_for_ever() -> None:
    with pytest.raises(Undecodable, match="defect"):
        read_event(_found("carillon.paper.found.v1"), {"carillon.paper.found.v1": lambda e: e})


def test_a_newer_version_is_refused_with_the_reason() -> None:
    body = json.dumps(json.loads(discovered().encode()) | {"type": "carillon.poll.completed.v2"})
    with pytest.raises(TooNew, match=r"newer Carillon: this one reads up to version 1"):
        read_event(body.encode())


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"type": 3}', b'{"type": "x"}', b"\xff"])
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(Undecodable, match="not a Carillon event"):
        read_event(body)
