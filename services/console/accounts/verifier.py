"""What PostgreSQL keeps of a password, made here: so no statement, and no log, holds one."""

import base64
import hashlib
import hmac
import secrets

ITERATIONS = 4096
"""PostgreSQL's own default (its documentation, `scram_iterations`)."""


def verifier(password: str, salt: bytes | None = None) -> str:
    """An ASCII password as SCRAM-SHA-256 keeps it (RFC 7677, RFC 5802 section 3).

    `salt` is for tests.
    """
    salt = salt or secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, ITERATIONS)
    stored = hashlib.sha256(_keyed(salted, b"Client Key")).digest()
    server = _keyed(salted, b"Server Key")
    return f"SCRAM-SHA-256${ITERATIONS}:{_text(salt)}${_text(stored)}:{_text(server)}"


def _keyed(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
