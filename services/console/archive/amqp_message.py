"""What an archive needs of a message as RabbitMQ's stream protocol brings it: AMQP 1.0, encoded.

The client's decoder makes objects of all of it, which takes longer than all the rest of reading.
Here sections are stepped over by their size, and read where somebody asks for them.
Source: OASIS AMQP 1.0, part 1 (types, 1.6) and part 3 (message format, 3.2).
"""

from dataclasses import dataclass
from functools import lru_cache

ANNOTATIONS, PROPERTIES, DATA = 0x72, 0x73, 0x75
_FIXED = {0x4: 1, 0x5: 2, 0x6: 3, 0x7: 5, 0x8: 9, 0x9: 17}
"""Bytes of a value of fixed width, its constructor included, by the constructor's first digit."""
_SHORT, _LONG = (0xA, 0xC, 0xE), (0xB, 0xD, 0xF)
"""Constructors of values that say their size in one byte, and in four."""
_NULL, _EMPTY_LIST = b"\x40", b"\x45"


class Unusual(ValueError):
    """It is not built as those that an archive holds: somebody else has to read it."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message's body, and two of its sections as they came; empty where there is none."""

    body: bytes
    annotations: bytes
    properties: bytes

    def annotation(self, name: bytes) -> bytes:
        """An annotation that is a text; empty where there is none of that name."""
        return _texts(self.annotations).get(name, b"")

    @property
    def message_id(self) -> bytes:
        """The first of the properties; empty where there is none.

        Raises:
            Unusual: it is no text.
        """
        return _first(self.properties)


def read_message(message: bytes) -> Message:
    """The message.

    Raises:
        Unusual: the body is not one piece of data, or it is no AMQP 1.0.
    """
    sections: dict[int, bytes] = {}
    position, size = 0, len(message)
    try:
        while position < size:
            if message[position] != 0 or message[position + 1] != 0x53:
                raise Unusual("no section")
            code, start = message[position + 2], position + 3
            position = _end(message, start)
            if code in sections:
                raise Unusual("a section in several pieces")
            sections[code] = message[start:position]
        if position != size or DATA not in sections:
            raise Unusual("cut off, or without data")
        body = _text(sections[DATA])
    except IndexError as error:
        raise Unusual("cut off") from error
    return Message(body, sections.get(ANNOTATIONS, b""), sections.get(PROPERTIES, b""))


def _end(encoded: bytes, position: int) -> int:
    """Where the value that begins there ends."""
    kind = encoded[position] >> 4
    if kind in _SHORT:
        return position + 2 + encoded[position + 1]
    if kind in _LONG:
        return position + 5 + int.from_bytes(encoded[position + 1 : position + 5], "big")
    if kind not in _FIXED:
        raise Unusual("a described value")
    return position + _FIXED[kind]


def _text(value: bytes) -> bytes:
    """What a text, a symbol or a piece of data holds."""
    kind = value[0] >> 4
    if kind not in (0xA, 0xB):
        raise Unusual("no text")
    return value[2:] if kind == 0xA else value[5:]


def _inside(value: bytes) -> tuple[int, int]:
    """How many values a list or map has, and where they begin."""
    if value[0] in (0xC0, 0xC1):
        return value[2], 3
    if value[0] in (0xD0, 0xD1):
        return int.from_bytes(value[5:9], "big"), 9
    raise Unusual("neither list nor map")


@lru_cache(maxsize=256)
def _texts(annotations: bytes) -> dict[bytes, bytes]:
    """Those of a map's values that are texts, by their keys: the same for all events of a type."""
    if not annotations:
        return {}
    count, position = _inside(annotations)
    found: dict[bytes, bytes] = {}
    try:
        for _ in range(count // 2):
            middle = _end(annotations, position)
            end = _end(annotations, middle)
            if annotations[middle] >> 4 in (0xA, 0xB):
                found[_text(annotations[position:middle])] = _text(annotations[middle:end])
            position = end
    except IndexError as error:
        raise Unusual("cut off") from error
    return found


def _first(properties: bytes) -> bytes:
    if not properties or properties == _EMPTY_LIST:
        return b""
    count, start = _inside(properties)
    if count == 0 or properties[start : start + 1] == _NULL:
        return b""
    if properties[start : start + 1] not in (b"\xa1", b"\xb1"):
        raise Unusual("an id that is no text")
    return _text(properties[start : _end(properties, start)])
