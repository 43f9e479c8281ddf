"""Marks go with an event and on to what is made of it; a live one has none, and no byte more."""

import json

import pytest
from pydantic import ValidationError

from shared.events import Undecodable, decode
from shared.marks import Attributes, Marks, attributes, carried_on, id_within, listed, marks_of
from tests.builders import discovered

REPLAY = "6d7f3a62-0d0a-4a57-9f0e-5f8f1f0a7c11"


def test_a_live_event_has_no_marks_and_hands_on_none() -> None:
    assert marks_of(discovered()) is None
    assert carried_on(discovered()) == {}
    assert not [name for name in json.loads(discovered().encode()) if name.startswith("replay")]


def test_marks_survive_the_wire_and_go_a_step_further_at_each_derivation() -> None:
    sent = Marks(REPLAY, 1, True, ("a", "b"))
    event = decode(discovered().model_copy(update=dict(attributes(sent))).encode())

    assert marks_of(event) == sent
    assert carried_on(event) == {
        "replayid": REPLAY,
        "replayhop": 2,
        "replayforce": True,
        "replayto": "a,b",
    }


def test_what_marks_do_not_say_is_left_out() -> None:
    assert attributes(Marks(REPLAY, 1, False, ())) == {"replayid": REPLAY, "replayhop": 1}


def test_an_allow_list_names_each_subscription_once() -> None:
    assert listed(" a,b,,a ") == ("a", "b")
    assert listed(None) == listed("") == ()


def test_what_a_replay_makes_has_an_id_of_its_own() -> None:
    ids = {"e", id_within("r", "e"), id_within("s", "e"), id_within("r", "f")}

    assert len(ids) == 4
    assert id_within("r", "e") == id_within("r", "e")


@pytest.mark.parametrize(
    "wrong", [Attributes(replayid=""), {"replayid": "x" * 37}, {"replayhop": 0}]
)
def test_marks_that_no_replay_writes_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        type(discovered()).model_validate(discovered().model_dump() | wrong)


@pytest.mark.parametrize("half", [{"replayhop": 1}, {"replayforce": False}, {"replayto": "a"}])
def test_half_of_the_marks_are_no_live_event(half: dict[str, object]) -> None:
    content = {**json.loads(discovered().encode()), **half}

    with pytest.raises(Undecodable, match="without its replayid"):
        decode(json.dumps(content).encode())
