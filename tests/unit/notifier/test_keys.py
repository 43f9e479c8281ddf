"""The notifier's key is changed without a pause: the new one in front, the old one behind it."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.notifier.tokens import BadToken, Tokens
from services.notifier.vault import Vault, keys_from
from shared.errors import Permanent
from tests.builders import NOON

OLD, NEW = "the key of last year and long enough", "the key of this year and long enough"


def keys(text: str) -> tuple[SecretStr, ...]:
    return keys_from(SecretStr(text), Path("is not read"))


def test_what_the_old_key_signed_and_sealed_opens_beside_the_new_one() -> None:
    before, after, later = keys(OLD), keys(f"{NEW}, {OLD}"), keys(NEW)
    link = Tokens(before).sign("manage", "reader", NOON + timedelta(days=1))
    sealed = Vault(before).seal("https://hooks.example.org/secret")

    assert Tokens(after).read("manage", link, NOON) == "reader"
    assert Vault(after).open(sealed) == "https://hooks.example.org/secret"
    with pytest.raises(BadToken):
        Tokens(later).read("manage", link, NOON)
    with pytest.raises(Permanent, match="add the earlier key behind the new one"):
        Vault(later).open(sealed)


def test_what_is_new_needs_the_new_key_alone() -> None:
    both, later = keys(f"{NEW},{OLD}"), keys(NEW)
    link = Tokens(both).sign("manage", "reader", NOON + timedelta(days=1))

    assert Tokens(later).read("manage", link, NOON) == "reader"
    assert Vault(later).open(Vault(both).seal("a target")) == "a target"
