"""A replay as it was asked for, and what it makes of an event."""

import json

import pytest

from services.console.archive.recorded import envelop
from services.console.replay.order import Order, dumped, loaded
from services.console.replay.selection import Selection
from shared.events import Undecodable, decode
from shared.marks import marks_of
from tests.builders import NOON, discovered
from tests.unit.console.replay.archives import entry, garbage, marked

ORDER = Order(
    replay_id="0c1f3f3e-0000-5000-8000-000000000004",
    target="broker",
    selection=Selection(since=NOON, pmids=frozenset({2, 1}), ids=frozenset({"b", "a"})),
    source="the stream",
    by="ada",
    started_at=NOON,
    end=7,
    to=("s1", "s2"),
    forced=True,
)


def test_an_order_can_be_read_again_as_it_was_put_down() -> None:
    content = json.loads(json.dumps(dumped(ORDER)))

    assert loaded(content) == ORDER
    assert (content["selection"]["pmids"], content["selection"]["ids"]) == ([1, 2], ["a", "b"])


def test_a_replayed_event_is_the_same_but_for_its_marks_and_its_trace() -> None:
    original = discovered().model_copy(update={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})

    event = decode(ORDER.marked(entry(original)))

    marks = marks_of(event)
    assert marks is not None
    assert (marks.replay_id, marks.hop, marks.force, marks.to) == (
        ORDER.replay_id, 1, True, ("s1", "s2"),
    )  # fmt: skip
    assert (event.id, event.time, event.data) == (original.id, original.time, original.data)
    assert event.traceparent is not None
    assert original.traceparent not in (None, event.traceparent)


def test_what_an_earlier_replay_marked_gets_the_marks_of_this_one() -> None:
    event = decode(ORDER.marked(marked(discovered(), 1, "an-earlier-one")))

    assert (event.replayid, event.replayhop) == (ORDER.replay_id, 1)


def test_fields_that_this_version_does_not_know_travel_along() -> None:
    body = discovered().encode()[:-1] + b',"tenant":"blue"}'

    assert json.loads(ORDER.marked(envelop(1, body)))["tenant"] == "blue"


def test_what_is_no_event_is_not_sent() -> None:
    with pytest.raises(Undecodable):
        ORDER.marked(garbage(1))
