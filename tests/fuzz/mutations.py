"""Byte-level damage to an answer, drawn by hypothesis and applied the same way each time."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hypothesis import strategies as st

_ELEMENT = re.compile(rb"<(\w+)(?:\s[^<>]*)?>[^<>]*</\1>\s*|<(\w+)[^<>]*/>\s*")
_DIGITS = re.compile(rb"\d+")


@dataclass(frozen=True)
class Mutation:
    """One damage: where (as a share of what there is), how much, and with which byte."""

    kind: str
    at: int
    to: int
    length: int
    byte: int


def _flip(body: bytes, one: Mutation) -> bytes:
    place = one.at % len(body)
    return body[:place] + bytes([body[place] ^ (one.byte or 1)]) + body[place + 1 :]


def _delete(body: bytes, one: Mutation) -> bytes:
    place = one.at % len(body)
    return body[:place] + body[place + one.length :]


def _insert(body: bytes, one: Mutation) -> bytes:
    place = one.at % len(body)
    return body[:place] + bytes([one.byte]) * one.length + body[place:]


def _duplicate(body: bytes, one: Mutation) -> bytes:
    place = one.at % len(body)
    return body[: place + one.length] + body[place:]


def _truncate(body: bytes, one: Mutation) -> bytes:
    return body[: one.at % len(body)]


def _swap(body: bytes, one: Mutation) -> bytes:
    first, second = sorted((one.at % len(body), one.to % len(body)))
    length = min(one.length, second - first)
    left, right = body[first : first + length], body[second : second + length]
    between = body[first + length : second]
    return body[:first] + right + between + left + body[second + len(right) :]


def _drop_element(body: bytes, one: Mutation) -> bytes:
    """A whole element goes: what is left is well-formed, and says less."""
    found = list(_ELEMENT.finditer(body))
    if not found:
        return _delete(body, one)
    start, end = found[one.at % len(found)].span()
    return body[:start] + body[end:]


def _repeat_element(body: bytes, one: Mutation) -> bytes:
    found = list(_ELEMENT.finditer(body))
    if not found:
        return _duplicate(body, one)
    here, there = found[one.at % len(found)], found[one.to % len(found)]
    return body[: there.end()] + here[0] + body[there.end() :]


def _change_digit(body: bytes, one: Mutation) -> bytes:
    """A number becomes another: nothing about the answer's form gives that away."""
    found = list(_DIGITS.finditer(body))
    if not found:
        return _flip(body, one)
    start, end = found[one.at % len(found)].span()
    place = start + one.to % (end - start)
    return body[:place] + b"%d" % (one.byte % 10) + body[place + 1 :]


KINDS: Mapping[str, Callable[[bytes, Mutation], bytes]] = {
    "flip": _flip,
    "delete": _delete,
    "insert": _insert,
    "duplicate": _duplicate,
    "truncate": _truncate,
    "swap": _swap,
    "drop element": _drop_element,
    "repeat element": _repeat_element,
    "change digit": _change_digit,
}


def mutate(body: bytes, damage: list[Mutation]) -> bytes:
    """The answer after all the damage, in turn."""
    for one in damage:
        if body:
            body = KINDS[one.kind](body, one)
    return body


PLACES = st.integers(0, 2**20)
DAMAGE = st.lists(
    st.builds(
        Mutation,
        kind=st.sampled_from(sorted(KINDS)),
        at=PLACES,
        to=PLACES,
        length=st.integers(1, 64),
        byte=st.integers(0, 255),
    ),
    min_size=1,
    max_size=4,
)
