"""Secrets at rest: sealed with the installation's key, opened only where they are used.

Fernet (https://github.com/fernet/spec): AES-128-CBC with HMAC-SHA256. Several keys rotate: the
first seals, all of them open.
"""

import base64
import hashlib
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from shared.errors import ConfigurationError, Permanent

_LEAST = 16
"""Characters of a key: less can be guessed."""


def is_sealed(text: str) -> bool:
    """Whether this is a Fernet token: version 0x80 and the first bytes of this century's times."""
    return text.startswith("gAAAAA")


_KEY = "whsec_"
"""How a key of Standard Webhooks begins (their specification, "Signature scheme")."""


def webhook_key() -> SecretStr:
    """A new key that the messages of a webhook are signed with."""
    return SecretStr(_KEY + base64.b64encode(secrets.token_bytes(32)).decode("ascii"))


def is_webhook_key(text: str) -> bool:
    """Whether this is such a key: 24 to 64 bytes in Base64 behind its prefix."""
    try:
        key = base64.b64decode(text.removeprefix(_KEY), validate=True)
    except ValueError:
        return False
    return text.startswith(_KEY) and 24 <= len(key) <= 64


class Vault:
    """Seals and opens texts."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        """The first key seals; all of them open.

        Raises:
            ConfigurationError: no key, or one that is too short.
        """
        self._fernet = MultiFernet([Fernet(_derived(key)) for key in keys])

    def seal(self, text: str) -> str:
        """The text as only this installation can read it."""
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def open(self, sealed: str) -> str:
        """What was sealed.

        Raises:
            Permanent: it was sealed with a key that is not given any more.
        """
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise Permanent(
                "a sealed secret cannot be opened: NOTIFIER_SECRET_KEY is not the key it was "
                "sealed with; add the earlier key behind the new one, after a comma"
            ) from None


def _derived(key: SecretStr) -> bytes:
    text = key.get_secret_value()
    if len(text) < _LEAST:
        raise ConfigurationError(f"NOTIFIER_SECRET_KEY: needs at least {_LEAST} characters")
    digest = hashlib.sha256(b"carillon vault\x1f" + text.encode()).digest()
    return base64.urlsafe_b64encode(digest)


def keys_from(given: SecretStr | None, path: Path) -> tuple[SecretStr, ...]:
    """The keys that are given, separated by commas; else the one in the file, made when missing.

    Raises:
        ConfigurationError: the file can neither be read nor made.
    """
    if given is not None and given.get_secret_value():
        parts = given.get_secret_value().split(",")
        return tuple(SecretStr(part.strip()) for part in parts if part.strip())
    try:
        return (SecretStr(_kept(path)),)
    except OSError as error:
        raise ConfigurationError(
            f"{path}: the key cannot be kept there ({error.strerror}): "
            "set NOTIFIER_SECRET_KEY, or NOTIFIER_SECRET_FILE to a writable place"
        ) from error


def _kept(path: Path) -> str:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        with NamedTemporaryFile("w", dir=path.parent, encoding="ascii") as made:
            made.write(secrets.token_urlsafe(32))
            made.flush()
            # Whole or not at all: of two that start at once one wins, and both read the same.
            with suppress(FileExistsError):
                os.link(made.name, path)
    return path.read_text(encoding="ascii").strip()
