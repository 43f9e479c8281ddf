"""Tokens in links: each for one purpose and one thing, signed, and with an end where one is due.

A token is checked in constant time (itsdangerous) and carries no secret; it is never logged.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from itsdangerous import BadData, URLSafeSerializer
from pydantic import SecretStr

from shared.errors import Permanent

Purpose = Literal["confirm", "manage", "leave", "ask", "digest", "feed", "bounce", "form"]
"""What a token is good for; one made for another purpose is forged.

`confirm` an address; `manage` a person's subscriptions; `leave` one subscription; `ask` for a
link to manage; see a `digest`; read a `feed`; which message a `bounce` is about; a `form` was ours.
"""


class BadToken(Permanent):
    """Not one of ours, not for this, or expired."""


class Expired(BadToken):
    """It was good once."""


class Tokens:
    """Makes and reads tokens; the first key signs, all of them are accepted."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        # itsdangerous takes the oldest key first, and signs with the last.
        self._keys = [key.get_secret_value() for key in reversed(keys)]

    def sign(self, purpose: Purpose, subject: str, until: datetime | None = None) -> str:
        """A token about `subject`, good until then, or for ever."""
        end = int(until.timestamp()) if until else None
        return str(self._serializer(purpose).dumps([subject, end]))

    def read(self, purpose: Purpose, token: str, now: datetime) -> str:
        """What the token is about.

        Raises:
            Expired: it was good once.
            BadToken: it is forged, or for another purpose.
        """
        try:
            subject, end = self._serializer(purpose).loads(token)
        except (BadData, TypeError, ValueError):
            raise BadToken("this link is not valid: it is incomplete, or not one of ours") from None
        if end is not None and datetime.fromtimestamp(end, UTC) < now:
            raise Expired("this link has expired: ask for a new one")
        return str(subject)

    def macs(self, purpose: Purpose, message: bytes) -> list[bytes]:
        """Keyed hashes of a message (HMAC-SHA256), the signing key's first: for short tokens."""
        words = f"carillon.{purpose}.mac\x1f".encode() + message
        return [hmac.digest(key.encode(), words, hashlib.sha256) for key in reversed(self._keys)]

    def is_mac(self, purpose: Purpose, message: bytes, mac: bytes, octets: int) -> bool:
        """Whether these are the first octets of one of its keyed hashes; in constant time."""
        return any(hmac.compare_digest(one[:octets], mac) for one in self.macs(purpose, message))

    def _serializer(self, purpose: Purpose) -> URLSafeSerializer:
        return URLSafeSerializer(self._keys, salt=f"carillon.{purpose}")
