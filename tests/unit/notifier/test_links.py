"""The links of a digest: each with a token for one purpose, and none that gives a reader away."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from services.notifier.links import links_of
from services.notifier.tokens import BadToken, Tokens
from tests.unit.notifier.digests import a_digest
from tests.unit.notifier.kit import START

TOKENS = Tokens((SecretStr("a key for tests, long enough"),))
LATER = START + timedelta(days=3650)


def test_a_digest_that_is_passed_on_does_not_let_its_new_reader_in() -> None:
    links = links_of(TOKENS, "https://x.example.org", a_digest())
    url = urlsplit(str(links.manage))
    assert url.path == "/link"
    (token,) = parse_qs(url.query)["s"]
    assert TOKENS.read("ask", token, LATER) == a_digest().subscription_id
    with pytest.raises(BadToken):
        TOKENS.read("manage", token, START)


def test_the_way_out_and_the_permalink_have_no_end() -> None:
    links = links_of(TOKENS, "https://x.example.org", a_digest())
    leave, permalink = str(links.leave), str(links.permalink)
    left = TOKENS.read("leave", leave.partition("token=")[2], LATER)
    seen = TOKENS.read("digest", permalink.rpartition("/")[2], LATER)
    assert (left, seen) == (a_digest().subscription_id, a_digest().id)
