"""Pieces of a mail's part that are encoded once and joined in any order.

Quoted-printable (RFC 2045, section 6.7) goes line by line: what is encoded piece by piece is what
the whole would mean, if each piece ends at a line's end, or at a soft break. So an article that
goes to thousands is encoded once.
"""

import binascii
from collections.abc import Iterable
from typing import NamedTuple


class Strip(NamedTuple):
    """A piece as `text`, and on the `wire`: quoted-printable with CRLF, lines of at most 76.

    `size` is the number of octets of the text in UTF-8.
    """

    text: str
    wire: bytes
    size: int


def strip(text: str) -> Strip:
    """The piece; it need not end where a line ends. Half a character becomes a question mark."""
    raw = text.encode(errors="replace")
    if not raw:
        return EMPTY
    is_open = not text.endswith("\n")
    lines = raw.replace(b"\n", b"\r\n") + (b"\r\n" if is_open else b"")
    wire = binascii.b2a_qp(lines)
    return Strip(raw.decode(), wire[:-2] + b"=\r\n" if is_open else wire, len(raw))


EMPTY = Strip("", b"", 0)


def text_of(strips: Iterable[Strip]) -> str:
    """The pieces as one text."""
    return "".join(one.text for one in strips)


def wire_of(strips: Iterable[Strip]) -> bytes:
    """The pieces as one body on the wire; the last of them must end a line."""
    return b"".join([one.wire for one in strips])


def size_of(strips: Iterable[Strip]) -> int:
    """Octets of the whole text in UTF-8."""
    return sum([one.size for one in strips])
