"""The search itself: a canary is found in every dress, and no other is."""

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest

from tests.canaries.planted import Canary, sung

ONE, OTHER = Canary("one"), Canary("other")
DRESSES = {
    "plain": ONE.secret,
    "in small letters": ONE.secret.lower(),
    "as an address": ONE.address,
    "percent-encoded": quote(ONE.secret, safe=""),
    "all of it percent-encoded": "".join(f"%{ord(char):02x}" for char in ONE.secret),
    "as a form": quote_plus(ONE.secret),
    "in JSON": json.dumps(json.dumps({"key": ONE.secret})),
    "in HTML": html.escape(f'"{ONE.secret}"'),
    "as repr": repr(repr(ONE.secret)),
    "hexadecimal": ONE.secret.encode().hex(),
    "the beginning": ONE.secret[:16],
    "the end": ONE.secret[-16:],
    **{
        f"in base64 after {n}": base64.b64encode(f"{'user:x'[:n]}{ONE.secret}!".encode()).decode()
        for n in range(7)
    },
    "in base64 for URLs": base64.urlsafe_b64encode(f"x{ONE.secret}".encode()).decode(),
}


@pytest.mark.parametrize("dress", DRESSES)
def test_it_is_found_in_every_dress(dress: str) -> None:
    said = f"before {DRESSES[dress]} after"
    assert sung(said, [ONE, OTHER]) == {"one"}
    assert sung(said.encode(), [ONE, OTHER]) == {"one"}


def test_nothing_else_is_taken_for_it() -> None:
    assert sung("user:password " + base64.b64encode(b"nobody").decode() * 99, [ONE, OTHER]) == set()
