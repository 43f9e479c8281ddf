"""Short ways of reading the archive's stream: each gives what the long way gives."""

import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from rstream import AMQPMessage, Properties, amqp_decoder
from rstream.encoding import decode_frame

from services.console.archive import stream_client
from services.console.archive.amqp_message import Unusual, read_message
from services.console.archive.publishing import WAVE_BYTES, Onward, waves
from services.console.archive.recorded import Envelope, envelop
from services.console.archive.stream_native import FIRST_CHUNKS, HAND_BYTES, MOST_CHUNKS, Credit
from tests.builders import NOON, an_article, discovered

TEXTS = st.text(max_size=300)
VALUES = TEXTS | st.integers(0, 2**31) | st.booleans() | st.none() | st.binary(max_size=300)


@given(
    body=st.binary(min_size=1, max_size=70_000),
    notes=st.none() | st.dictionaries(st.sampled_from([b"x-routing-key", b"other"]), VALUES),
    message_id=st.none() | TEXTS,
    content_type=st.none() | st.just("application/json"),
    more=st.none() | st.dictionaries(st.sampled_from(["a", "b"]), TEXTS),
)  # fmt: skip
def test_a_message_is_read_as_the_library_reads_it(
    body: bytes, notes: Any, message_id: str | None, content_type: str | None, more: Any
) -> None:
    properties = Properties(message_id=message_id, content_type=content_type)
    encoded = bytes(AMQPMessage(body=body, properties=properties, message_annotations=notes,
                                application_properties=more))  # fmt: skip
    whole = amqp_decoder(encoded)

    found = read_message(encoded)

    assert found.body == body == bytes(whole.body)
    assert found.message_id.decode() == (message_id or "")
    for name, value in (notes or {}).items():
        wanted = value.encode() if isinstance(value, str) else value
        assert found.annotation(name) == (wanted if isinstance(wanted, bytes) else b"")


@given(st.binary(max_size=60))
def test_what_is_no_message_is_left_to_the_library(encoded: bytes) -> None:
    try:
        found = read_message(encoded)
        assert isinstance(found.message_id, bytes)
        assert isinstance(found.annotation(b"x"), bytes)
    except Unusual:
        pass


@pytest.mark.parametrize("cut", [1, 5, 40, 130])
def test_a_message_that_is_cut_off_is_no_message(cut: int) -> None:
    encoded = bytes(AMQPMessage(body=b"x" * 40, properties=Properties(message_id="m")))
    with pytest.raises(Unusual):
        read_message(encoded[:-cut] or b"\x00")


MARKED = {"replayid": "r", "replayhop": 2, "replayforce": True, "replayto": "a,b"}


def _reordered(event: dict[str, Any], *, marks_last: bool) -> bytes:
    marks = {name: event.pop(name) for name in MARKED if name in event}
    return json.dumps({**event, **marks} if marks_last else {**marks, **event},
                      separators=(",", ":")).encode()  # fmt: skip


@pytest.mark.parametrize("marks_last", [False, True])
@pytest.mark.parametrize("title", ["plain", 'a "replayid":"x" in a text', 'x,"data":{"y":1}'])
@pytest.mark.parametrize("marked", [False, True])
def test_marks_are_found_wherever_they_stand(marks_last: bool, title: str, marked: bool) -> None:
    event = json.loads(discovered(article=an_article(title=title)).encode())
    body = _reordered({**event, **(MARKED if marked else {})}, marks_last=marks_last)

    entry = envelop(1, body)

    assert (entry.marks is not None) is marked
    assert (entry.event_id, entry.published_at) == (event["id"], NOON)
    if entry.marks:
        assert (entry.marks.hop, entry.marks.to) == (2, ("a", "b"))


@given(st.permutations(["id", "type", "time", "source", "data"]), st.booleans())
def test_the_order_of_attributes_makes_no_difference(order: list[str], marked: bool) -> None:
    data = {"id": "another", "type": "another", "time": "2020-01-01T00:00:00Z"}
    values: dict[str, Any] = {
        "id": "e", "type": "carillon.x.v1", "time": "2026-09-07T12:00:00Z", "source": "s",
        "data": {**data, "replayid": "none"} if marked else data, "replayid": "r",
    }  # fmt: skip
    order = [*order, "replayid"] if marked else order
    body = json.dumps({name: values[name] for name in order}, separators=(",", ":")).encode()

    entry, whole = envelop(1, body), Envelope.model_validate_json(body)

    assert (entry.event_id, entry.type) == (whole.id, whole.type) == ("e", "carillon.x.v1")
    assert entry.published_at == whole.time
    assert (entry.marks is not None) is marked
    assert entry.marks is None or entry.marks.replay_id == "r"


def test_what_is_no_event_is_none_by_either_way() -> None:
    for body in (b"\xff", b'{"id":"1","data":{', b'{"data":{"id":"1","type":"x"}}'):
        assert envelop(1, body).event_id == ""
        with pytest.raises(ValidationError):
            Envelope.model_validate_json(body)


def test_a_chunk_is_read_as_the_library_reads_it() -> None:
    data = b"\x00\x00\x00\x03abc"
    numbers = {"timestamp": -5, "epoch": 7, "chunk_first_offset": 2**40, "trailer_length": 0}
    frame = _deliver(data, numbers)

    found = stream_client.chunk(frame)

    assert found == decode_frame(frame)
    assert found.get_messages() == [b"abc"]


def _deliver(data: bytes, numbers: dict[str, int]) -> bytes:
    head = stream_client.HEAD.pack(
        1, 0x50, 0, 1, 1, numbers["timestamp"], numbers["epoch"], numbers["chunk_first_offset"],
        zlib.crc32(data), len(data), numbers["trailer_length"], 0,
    )  # fmt: skip
    return stream_client.DELIVER + head + data


@given(st.lists(st.integers(1, 20_000_000), min_size=1, max_size=400))
def test_chunks_are_always_asked_for_and_few_of_them_when_they_are_large(sizes: list[int]) -> None:
    credit, in_hand = Credit(), FIRST_CHUNKS
    for size in sizes:
        in_hand -= 1
        in_hand += credit.after(size)
        assert 1 <= in_hand <= MOST_CHUNKS
        assert in_hand == credit.asked
    for _ in range(200):
        in_hand -= 1
        in_hand += credit.after(HAND_BYTES)
    assert in_hand <= 2


def test_small_chunks_are_asked_for_together() -> None:
    credit = Credit()
    asked = [more for _ in range(640) if (more := credit.after(2_000))]

    assert len(asked) < 640 / 25


def _onward(name: str, size: int) -> Onward:
    return Onward("q", name, "t", b"x" * size)


def test_an_id_is_in_flight_once_and_few_bytes_are() -> None:
    assert waves([_onward(name, 1) for name in "abacb"]) == [[0, 1], [2, 3, 4]]
    half = WAVE_BYTES // 2 + 1
    assert waves([_onward(name, half) for name in "abc"]) == [[0], [1], [2]]
