"""Nobody has committed a secret: what keys of known services look like, and passwords in URLs."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KINDS = {
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}",
    "AWS": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "GitHub": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{50,})\b",
    "GitLab": r"\bglpat-[A-Za-z0-9_-]{20}\b",
    "PyPI": r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}",
    "Slack token": r"\bxox[abposr]-[0-9]{8,}-[A-Za-z0-9-]{10,}",
    "Slack webhook": r"hooks\.slack(?:-gov)?\.com/services/T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/\w{20,}",
    "Discord webhook": r"discord(?:app)?\.com/api/webhooks/[0-9]{17,}/[A-Za-z0-9_-]{60,}",
    "Google": r"\bAIza[0-9A-Za-z_-]{35}\b",
    "OpenAI": r"\bsk-(?:proj-)?[A-Za-z0-9_-]{32,}",
    "Telegram": r"\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}\b",
    "NCBI": r"(?i)api_?key[\"' ]{0,2}[=:][\"' ]{0,2}[0-9a-f]{36}\b",
    "signed token": r"\beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}",
    "mail service": r"\b(?:SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}|key-[0-9a-f]{32})\b",
    "password in a URL": r"(?:amqps?|postgresql(?:\+asyncpg)?|redis|smtps?)://[\w.-]+:[0-9a-zA-Z]{24,}@",
}
SEEN = {name: re.compile(pattern) for name, pattern in KINDS.items()}
PLAUSIBLE = {
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----\n" + "M" * 64,
    "AWS": "AK" + "IA" + "Q" * 16,
    "GitHub": "gh" + "p_" + "a1" * 18,
    "GitLab": "glp" + "at-" + "a" * 20,
    "PyPI": "pypi-" + "AgEIcHlwaS5vcmc" + "x" * 60,
    "Slack token": "xo" + "xb-" + "1" * 12 + "-" + "a" * 24,
    "Slack webhook": "https://hooks.slack.com/" + "services/T0123456789/B0123456789/" + "x" * 24,
    "Discord webhook": "https://discord.com/api/" + "webhooks/" + "1" * 18 + "/" + "x" * 68,
    "Google": "AI" + "za" + "x" * 35,
    "OpenAI": "s" + "k-" + "x" * 48,
    "Telegram": "1" * 9 + ":A" + "A" + "x" * 33,
    "NCBI": "api_" + "key=" + "0a" * 18,
    "signed token": "ey" + "J" + "a" * 24 + ".ey" + "J" + "b" * 24 + "." + "c" * 24,
    "mail service": "S" + "G." + "a" * 22 + "." + "b" * 43,
    "password in a URL": "amqp://carillon" + ":" + "0f" * 24 + "@broker:5672/",
}  # fmt: skip
"""One of each kind, put together here so that it stands in no file."""

NEVER = re.compile(
    r"(^|/)(\.env(\..+)?|secrets/.+|.+\.(pem|key|p12|pfx|keystore)|id_(rsa|ed25519))$"
)


def _files() -> list[str]:
    """What git knows; in a tree without its history, as in an archive, what lies there."""
    if shutil.which("git") and (ROOT / ".git").exists():
        command = ["git", "ls-files", "-z"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=30, check=True)
        return list(filter(None, listed.stdout.decode().split("\0")))
    parts = ("services", "shared", "deploy", "docs", "tests", "topics")
    every = (path for part in parts for path in (ROOT / part).rglob("*") if path.is_file())
    return [str(path.relative_to(ROOT)) for path in every if path.suffix != ".pyc"]


def secrets_in(text: str) -> set[str]:
    """The kinds of secrets that a text has."""
    return {name for name, seen in SEEN.items() if seen.search(text)}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_known_when_it_is_seen(kind: str) -> None:
    assert kind in secrets_in(f"before {PLAUSIBLE[kind]} after")


def test_no_file_has_one() -> None:
    found, read = {}, 0
    for name in _files():
        path = ROOT / name
        if not path.is_file():  # deleted, and not committed yet
            continue
        read += 1
        if told := secrets_in(path.read_bytes().decode("utf-8", "ignore")):
            found[name] = told
    assert read > 500
    assert found == {}


def test_no_file_is_one() -> None:
    assert [name for name in _files() if NEVER.search(name)] == []
    assert NEVER.search("deploy/secrets/poller_amqp_url")
    assert NEVER.search(".env")
