"""The address that an undeliverable mail returns to says which message it was, and only ours do."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from services.notifier import bounces
from services.notifier.bounces import Bounced, Kind
from services.notifier.tokens import BadToken, Tokens

TOKENS = Tokens([SecretStr("the present key of this house")])
HOST = "carillon-bounces@mail.example.org"


def local(address: str) -> str:
    return address.rpartition("@")[0]


@pytest.mark.parametrize("kind", ["digest", "letter"])
@given(st.uuids())
def test_what_was_written_is_read(kind: Kind, number: UUID) -> None:
    address = bounces.address_for(TOKENS, HOST, kind, str(number))
    assert address.endswith("@mail.example.org")
    assert len(local(address)) <= bounces.LONGEST_LOCAL_PART
    assert bounces.read(TOKENS, local(address)) == Bounced(kind, str(number))


def test_a_host_that_changes_the_case_changes_nothing() -> None:
    one = str(uuid4())
    address = bounces.address_for(TOKENS, HOST, "digest", one)
    assert bounces.read(TOKENS, local(address).upper()).id == one


def test_an_earlier_key_is_still_read() -> None:
    address = bounces.address_for(TOKENS, HOST, "digest", str(uuid4()))
    later = Tokens(
        [SecretStr("a new key for this house"), SecretStr("the present key of this house")]
    )
    assert bounces.read(later, local(address)).kind == "digest"
    with pytest.raises(BadToken):
        bounces.read(Tokens([SecretStr("a new key for this house")]), local(address))


def test_one_kind_does_not_pass_for_the_other() -> None:
    address = local(bounces.address_for(TOKENS, HOST, "digest", str(uuid4())))
    with pytest.raises(BadToken):
        bounces.read(TOKENS, address.replace("+d", "+l"))


@given(st.text(max_size=80))
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadToken):
        bounces.read(TOKENS, text)


@given(st.integers(0, 42), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_changed_letter_is_refused(place: int, letter: str) -> None:
    one = UUID("7c3f2a9e-0000-5000-8000-000000000001")
    head, _, token = local(bounces.address_for(TOKENS, HOST, "digest", str(one))).rpartition("+")
    if token[place] == letter:
        return
    changed = f"{head}+{token[:place]}{letter}{token[place + 1 :]}"
    try:
        found = bounces.read(TOKENS, changed)
    except BadToken:
        return
    assert found.id == str(one)  # base 32's last letter has bits to spare
