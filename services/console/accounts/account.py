"""The services' own accounts, as their URLs name them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from shared.errors import ConfigurationError

SERVICES = ("poller", "classifier", "notifier")

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
"""Of a user: what PostgreSQL takes without quotes, and at most as long."""


@dataclass(frozen=True, slots=True)
class Account:
    """One service's user at one of the engines."""

    service: str
    user: str
    password: SecretStr


def accounts(folder: Path, engine: str, administrator: str) -> tuple[Account, ...]:
    """The accounts that the files `{service}_{engine}_url` in a folder name.

    `engine` is `database` or `amqp`; `administrator` is the URL of who makes the accounts.

    Raises:
        ConfigurationError: a file is missing or no such URL, or two of them have one user.
    """
    found = tuple(_account(service, folder / f"{service}_{engine}_url") for service in SERVICES)
    _are_different(found, unquote(urlsplit(administrator).username or ""))
    return found


def _account(service: str, path: Path) -> Account:
    try:
        parts = urlsplit(path.read_text(encoding="utf-8").strip())
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"accounts: {path} cannot be read ({type(error).__name__}): "
            f"it must hold the URL of {service}"
        ) from None
    if not _NAME.fullmatch(user) or not password or not password.isascii():
        raise ConfigurationError(
            f"accounts: the URL in {path} needs a user of small letters, digits and _, "
            "and a password of ASCII letters"
        )
    return Account(service, user, SecretStr(password))


def _are_different(found: Sequence[Account], administrator: str) -> None:
    users = [administrator, *(one.user for one in found)]
    if len(set(users)) < len(users):
        # The rights of the one would be the other's, and the administrator's would be taken away.
        raise ConfigurationError(
            "accounts: each service and the administrator needs a user of its own"
        )
