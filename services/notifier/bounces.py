"""To whom an undeliverable mail returns: an address that says which message it was (VERP).

With `NOTIFIER_BOUNCE_ADDRESS=bounces@host` the envelope's sender is `bounces+TOKEN@host`. The token
is the kind of message (one letter), its id and ten octets of a keyed hash (HMAC-SHA256, RFC 2104):
43 characters in all, for a local part holds 64 (RFC 5321, section 4.5.3.1.1) and a signed link's
token is longer. It is in base 32, as some hosts do not keep the case. Eighty bits cannot be guessed
by mail; who could would switch off one subscription, and its owner would be told.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from services.notifier.tokens import BadToken, Tokens

Kind = Literal["digest", "letter"]
LONGEST_LOCAL_PART = 64
"""Octets, RFC 5321, section 4.5.3.1.1."""

ROOM = LONGEST_LOCAL_PART - len("+") - 43
"""Octets that are left for the name before the `+`."""

_LETTERS: dict[str, Kind] = {"d": "digest", "l": "letter"}
_MAC = 10


@dataclass(frozen=True)
class Bounced:
    """The message that came back: its kind, and its id."""

    kind: Kind
    id: str


def address_for(tokens: Tokens, bounce_address: str, kind: Kind, message_id: str) -> str:
    """Where this message shall return to when it cannot be delivered.

    Raises:
        ValueError: the id is no UUID.
    """
    local, _, host = bounce_address.rpartition("@")
    body = UUID(message_id).bytes
    mac = tokens.macs("bounce", kind.encode() + body)[0][:_MAC]
    return f"{local}+{kind[0]}{_encoded(body)}{_encoded(mac)}@{host}"


def read(tokens: Tokens, local_part: str) -> Bounced:
    """Which message a returned mail is about, from the part before the `@` it was sent to.

    Raises:
        BadToken: it names none of ours.
    """
    token = local_part.rpartition("+")[2].lower()
    try:
        kind = _LETTERS[token[:1]]
        body, mac = _decoded(token[1:27]), _decoded(token[27:])
        found = str(UUID(bytes=body))
    except (KeyError, ValueError, binascii.Error):
        raise BadToken("not an address that a mail of ours returns to") from None
    if not tokens.is_mac("bounce", kind.encode() + body, mac, _MAC):
        raise BadToken("not an address that a mail of ours returns to")
    return Bounced(kind, found)


def _encoded(octets: bytes) -> str:
    return base64.b32encode(octets).decode("ascii").rstrip("=").lower()


def _decoded(text: str) -> bytes:
    return base64.b32decode(text.upper() + "=" * (-len(text) % 8))
