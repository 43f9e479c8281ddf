"""Canaries: secrets that stand nowhere else, and are known again in any dress."""

import base64
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote, unquote_to_bytes

_BETWEEN = "/+@:# "
"""What cuts a URL in two, or is written otherwise in URLs, forms and JSON."""


@dataclass(frozen=True)
class Canary:
    """A secret in two halves, each known by itself: what is cut in two is found all the same."""

    name: str
    between: str = _BETWEEN

    @cached_property
    def halves(self) -> tuple[str, str]:
        digest = hashlib.sha256(f"canary {self.name}".encode()).hexdigest()
        letters = digest.translate(str.maketrans("0123456789", "ghijkmnpqr"))
        return letters[:14], letters[14:28]

    @property
    def secret(self) -> str:
        return self.between.join(self.halves)

    @property
    def in_url(self) -> str:
        return quote(self.secret, safe="")

    @property
    def address(self) -> str:
        """The same as a mail address."""
        return "{}.{}@example.org".format(*self.halves)


def sung(said: str | bytes, canaries: Iterable[Canary]) -> set[str]:
    """Whose secret, or a half of it, is in what was said.

    Plain in any case, percent-encoded, in JSON or HTML (both leave letters alone), hexadecimal, and
    in base64 wherever it begins in there.
    """
    raw = said.encode("utf-8", "surrogateescape") if isinstance(said, str) else said
    heard = (raw.lower(), unquote_to_bytes(raw).lower())
    return {
        one.name
        for one in canaries
        for half in one.halves
        if any(dress in text for dress in _plain(half) for text in heard)
        or any(dress in raw for dress in _base64(half.encode()))
    }


def _plain(half: str) -> tuple[bytes, bytes]:
    return half.encode(), half.encode().hex().encode()


def _base64(half: bytes) -> Iterator[bytes]:
    """As it stands in base64 after any number of bytes, without what its neighbours share."""
    for before in range(3):
        text = base64.b64encode(b"\0" * before + half + b"\0\0")
        first, last = (0, 2, 3)[before], (before + len(half)) * 8 // 6
        yield text[first:last]
