"""The headers of a digest's mail as bytes.

A name in an address that is not ASCII is left to the standard library (RFC 2047).
"""

import functools
from base64 import b64encode
from email.policy import SMTP

from services.notifier.item import clean
from services.notifier.render.headers import address

LINE = 76
"""Columns after which a subject is folded."""

WORD = 42
"""Octets in an encoded word: with its frame, and the header's name, it stays below 78."""


def line(name: str, value: str) -> bytes:
    """A header of ASCII that is known to hold no line end: ids, addresses, dates."""
    return f"{name}: {value}\r\n".encode("ascii")


@functools.lru_cache(maxsize=1024)
def subject_line(text: str) -> bytes:
    """The subject, folded between words; in encoded words only where it must be."""
    text = clean(text)
    if not text.isascii() or "=?" in text:
        return _encoded(text)
    lines: list[str] = []
    rest = f"Subject: {text}"
    while len(rest) > LINE and (at := rest.rfind(" ", 1 if lines else 10, LINE)) > 0:
        lines.append(rest[:at])
        rest = rest[at:]
    return "\r\n".join([*lines, rest, ""]).encode("ascii")


@functools.lru_cache(maxsize=64)
def from_line(value: str) -> bytes:
    """Who writes, with a name or without.

    Raises:
        Permanent: it is not one address.
    """
    return _folded("From", str(address(value, "sender")))


def to_line(value: str) -> bytes:
    """To whom; the fault names the role and never the address.

    Raises:
        Permanent: it is not one address.
    """
    to = address(value, "recipient")
    return _folded("To", str(to)) if to.display_name else line("To", to.addr_spec)


def _encoded(text: str) -> bytes:
    """All of the subject in encoded words (RFC 2047, section 2), one a line.

    The standard library encodes word by word, and a space more may be read where it folds.
    """
    words = [""]
    for sign in text:
        if len((words[-1] + sign).encode()) > WORD:
            words.append("")
        words[-1] += sign
    shown = (f"=?utf-8?b?{b64encode(word.encode()).decode()}?=" for word in words)
    return ("Subject: " + "\r\n ".join(shown) + "\r\n").encode("ascii")


def _folded(name: str, value: str) -> bytes:
    folded: str = SMTP.header_factory(name, value).fold(policy=SMTP)
    return folded.encode("ascii")
